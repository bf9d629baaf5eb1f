// RUN: braid-opt %s --emit-gpu-kernels --split-input-file -verify-diagnostics

func.func private @rows_sm_90a(%step: !braid.context, %x: memref<?x44xbf16>, %w: memref<2x22x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 0]>} {
  // expected-error @+1 {{expected bf16, and rows of x at multiples of 16 bytes, for wgmma}}
  braid.packed_contract ins(%x, %w : memref<?x44xbf16>, memref<2x22x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

func.func private @gathered_sm_90a(%step: !braid.context, %x: memref<?x60xbf16, strided<[64, 1]>>, %w: memref<8x2x30x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<9xi32>, %active: memref<9xi32>, %y: memref<?x3x48xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [64, 256, 0]>} {
  // expected-error @+1 {{expected bf16, and rows of x at multiples of 16 bytes, for wgmma}}
  braid.packed_contract ins(%x, %w : memref<?x60xbf16, strided<[64, 1]>>, memref<8x2x30x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<9xi32>, memref<9xi32>) gather outs(%y : memref<?x3x48xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// -----

func.func private @target_sm_80(%step: !braid.context, %x: memref<?x64xbf16>, %w: memref<2x32x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_80", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 0]>} {
  // expected-error @+1 {{is to use wgmma, which sm_90a alone has}}
  braid.packed_contract ins(%x, %w : memref<?x64xbf16>, memref<2x32x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
