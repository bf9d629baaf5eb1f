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

// -----

func.func private @scan_sm_80(%step: !braid.context, %x: memref<?x80xbf16>, %dt: memref<?x4xbf16>, %head: memref<4xf32>, %bc: memref<?x24xbf16>, %batch: !braid.batch, %layer: index, %y: memref<?x80xbf16>, %pool: memref<6x?x4x24x20xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_80", braid.schedule = #braid.gpu_schedule<"mma", threads = 128, blocks = 3>} {
  // expected-error @+1 {{expected bf16, states and chunks of whole tiles of 16}}
  braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : memref<?x80xbf16>, memref<?x4xbf16>, memref<4xf32>, memref<?x24xbf16>, memref<?x24xbf16>, memref<4xf32>, memref<4xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x80xbf16>, memref<6x?x4x24x20xf32>) {chunk = 16 : i64, dt_min = 0.0 : f64, dt_max = 0x7FF0000000000000 : f64}
  return
}

// -----

func.func private @behind_sm_90a(%step: !braid.context, %x: memref<?x64xbf16>, %w: memref<2x32x32x2xbf16>, %y: memref<?x64xf32>, %g: memref<64xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x64xbf16>, memref<2x32x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  // expected-error @+1 {{has no GPU emitter behind braid.packed_contract in one kernel}}
  braid.rms_norm ins(%y, %g : memref<?x64xf32>, memref<64xf32>) outs(%y : memref<?x64xf32>) {eps = 1.0e-5 : f64}
  return
}

// -----

// Rows of a convolution that lie apart from those of the contraction.
func.func private @apart_sm_90a(%step: !braid.context, %x: memref<?x64xbf16>, %w: memref<2x32x32x2xbf16>, %y: memref<?x64xbf16>, %v: memref<?x32xbf16>, %taps: memref<4x32xf32>, %batch: !braid.batch, %layer: index, %z: memref<?x32xbf16>, %pool: memref<2x?x3x32xbf16>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x64xbf16>, memref<2x32x32x2xbf16>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  // expected-error @+1 {{in one kernel with contractions: expected one, of which it reads columns}}
  braid.causal_conv ins(%v, %taps : memref<?x32xbf16>, memref<4x32xf32>) batch(%batch) layer(%layer) outs(%z, %pool : memref<?x32xbf16>, memref<2x?x3x32xbf16>)
  return
}
