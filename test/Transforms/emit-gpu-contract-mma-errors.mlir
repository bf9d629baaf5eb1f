// RUN: braid-opt %s --emit-gpu-kernels --split-input-file -verify-diagnostics

func.func private @f32_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  // expected-error @+1 {{expected bf16, and rows of x at even places, for tensor cores}}
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

func.func private @odd_sm_90a(%step: !braid.context, %x: memref<?x48xbf16, strided<[49, 1]>>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  // expected-error @+1 {{expected bf16, and rows of x at even places, for tensor cores}}
  braid.packed_contract ins(%x, %w : memref<?x48xbf16, strided<[49, 1]>>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

func.func private @tile_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2>} {
  // expected-error @+1 {{is to use tensor cores, but its schedule has no tile}}
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

func.func private @coded_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x13x32x4xf8E4M3FN>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  // expected-error @+1 {{has coded weights, which only tensor cores multiply above 8 rows: expected the strategy mma or wgmma}}
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x13x32x4xf8E4M3FN>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
