// RUN: braid-opt %s --emit-gpu-kernels -verify-diagnostics --split-input-file

// `materialize-storage` turns experts into grouped contractions; there is no
// emitter for what it would have left.
func.func private @experts_sm_90a(%step: !braid.context, %x: memref<?x64xf32>, %i: memref<?x4xi32>, %s: memref<?x4xf32>, %up: memref<16x96x64xf32>, %down: memref<16x64x96xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 1>} {
  // expected-error @+1 {{has no GPU emitter}}
  braid.experts ins(%x, %i, %s, %up, %down : memref<?x64xf32>, memref<?x4xi32>, memref<?x4xf32>, memref<16x96x64xf32>, memref<16x64x96xf32>) outs(%y : memref<?x64xf32>)
  return
}

// -----

// `form-kernels` puts no such ops together.
func.func private @norms_sm_90a(%step: !braid.context, %x: memref<?x64xf32>, %w: memref<64xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 1>} {
  braid.rms_norm ins(%x, %w : memref<?x64xf32>, memref<64xf32>) outs(%x : memref<?x64xf32>) {eps = 1.0e-5 : f64}
  // expected-error @+1 {{has no GPU emitter behind braid.rms_norm in one kernel}}
  braid.rms_norm ins(%x, %w : memref<?x64xf32>, memref<64xf32>) outs(%y : memref<?x64xf32>) {eps = 1.0e-5 : f64}
  return
}
