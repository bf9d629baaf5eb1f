// RUN: braid-opt %s --choose-schedule | FileCheck %s
// RUN: braid-opt %s --choose-schedule=reference | FileCheck %s --check-prefix=REFERENCE

// f32: one kernel, so that a row's result is the same for any number of rows.
// CHECK-LABEL: func.func private @f32_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"simt", threads = 256, blocks = 2>
// REFERENCE-LABEL: func.func private @f32_sm_90a(
// REFERENCE-SAME: braid.schedule = #braid.gpu_schedule<"reference", threads = 1, blocks = 1>
func.func private @f32_sm_90a(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// bf16, also with a router's f32 weights: few rows have kernels of their own.
// CHECK-LABEL: func.func private @gate_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>
func.func private @gate_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// More rows go to tensor cores if pairs of bf16 can be multiplied.
// CHECK-LABEL: func.func private @dense_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [128, 128, 128]>
func.func private @dense_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<3x24x32x2xbf16>, %y: memref<?x72xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<3x24x32x2xbf16>) outs(%y : memref<?x72xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Codes become such pairs.
// CHECK-LABEL: func.func private @coded_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [128, 128, 128]>
func.func private @coded_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<3x13x32x4xf8E4M3FN>, %y: memref<?x72xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<3x13x32x4xf8E4M3FN>) outs(%y : memref<?x72xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// CHECK-LABEL: func.func private @coded_wide_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 64]>
func.func private @coded_wide_sm_90a(%step: !braid.context, %x: memref<?x256xbf16>, %w: memref<8x65x32x4xf8E4M3FN>, %y: memref<?x256xbf16>) attributes {braid.kernel = 9 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x256xbf16>, memref<8x65x32x4xf8E4M3FN>) outs(%y : memref<?x256xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Few outputs: small tiles.
// CHECK-LABEL: func.func private @narrow_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>
func.func private @narrow_sm_90a(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xbf16>) attributes {braid.kernel = 3 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// An expert has fewer rows than the batch.
// CHECK-LABEL: func.func private @grouped_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 128, 128]>
func.func private @grouped_sm_90a(%step: !braid.context, %x: memref<?x32xbf16>, %w: memref<8x3x16x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<9xi32>, %active: memref<9xi32>, %y: memref<?x3x96xbf16>) attributes {braid.kernel = 4 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x32xbf16>, memref<8x3x16x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<9xi32>, memref<9xi32>) gather outs(%y : memref<?x3x96xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Pairs that no copy of 4 bytes can bring.
// CHECK-LABEL: func.func private @odd_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>
func.func private @odd_sm_90a(%step: !braid.context, %x: memref<?x48xbf16, strided<[96, 1], offset: 1>>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xbf16>) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16, strided<[96, 1], offset: 1>>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// On sm_90a many outputs and inputs are for warpgroups.
// CHECK-LABEL: func.func private @wide_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 64]>
func.func private @wide_sm_90a(%step: !braid.context, %x: memref<?x256xbf16>, %w: memref<8x128x32x2xbf16>, %y: memref<?x256xbf16>) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x256xbf16>, memref<8x128x32x2xbf16>) outs(%y : memref<?x256xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// CHECK-LABEL: func.func private @wide_sm_80(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"mma",
func.func private @wide_sm_80(%step: !braid.context, %x: memref<?x256xbf16>, %w: memref<8x128x32x2xbf16>, %y: memref<?x256xbf16>) attributes {braid.kernel = 5 : i64, braid.target = "sm_80"} {
  braid.packed_contract ins(%x, %w : memref<?x256xbf16>, memref<8x128x32x2xbf16>) outs(%y : memref<?x256xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Rows that tiles cannot have: at odd places.
// CHECK-LABEL: func.func private @uneven_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"mma",
func.func private @uneven_sm_90a(%step: !braid.context, %x: memref<?x256xbf16, strided<[260, 1]>>, %w: memref<8x128x32x2xbf16>, %y: memref<?x256xbf16>) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x256xbf16, strided<[260, 1]>>, memref<8x128x32x2xbf16>) outs(%y : memref<?x256xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Experts: when there is half a tile for each of 200.
// CHECK-LABEL: func.func private @experts_sm_90a(
// CHECK-SAME: braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [64, 256, 100]>
func.func private @experts_sm_90a(%step: !braid.context, %x: memref<?x3x256xbf16>, %w: memref<200x8x128x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<201xi32>, %active: memref<201xi32>, %y: memref<?x3x256xbf16>) attributes {braid.kernel = 6 : i64, braid.target = "sm_90a"} {
  braid.packed_contract ins(%x, %w : memref<?x3x256xbf16>, memref<200x8x128x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<201xi32>, memref<201xi32>) outs(%y : memref<?x3x256xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}
