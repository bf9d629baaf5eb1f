// RUN: braid-opt %s --emit-gpu-kernels -verify-diagnostics

// `materialize-storage` turns experts into grouped contractions; there is no
// emitter for what it would have left.
func.func private @experts_sm_90a(%step: !braid.context, %x: memref<?x64xf32>, %i: memref<?x4xi32>, %s: memref<?x4xf32>, %up: memref<16x96x64xf32>, %down: memref<16x64x96xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 1>} {
  // expected-error @+1 {{has no GPU emitter}}
  braid.experts ins(%x, %i, %s, %up, %down : memref<?x64xf32>, memref<?x4xi32>, memref<?x4xf32>, memref<16x96x64xf32>, memref<16x64x96xf32>) outs(%y : memref<?x64xf32>)
  return
}
