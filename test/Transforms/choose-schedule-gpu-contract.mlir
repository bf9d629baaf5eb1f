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
