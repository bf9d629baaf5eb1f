// RUN: braid-opt %s --choose-schedule | FileCheck %s --check-prefixes=CHECK,V3
// RUN: braid-opt %s --choose-schedule=isa=avx512 | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: braid-opt %s --choose-schedule=isa=avx512-bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: braid-opt %s --choose-schedule="isa=avx512-bf16 reference" | FileCheck %s --check-prefixes=CHECK,REFERENCE

// The level decides lanes; pairs of bf16 are multiplied where it can.

// CHECK-LABEL: func.func private @bf16(
// V3-SAME: braid.schedule = #braid.schedule<"vector", lanes = 8, rows = {{[0-9]+}}, dot = "fma">
// AVX512-SAME: braid.schedule = #braid.schedule<"vector", lanes = 16, rows = {{[0-9]+}}, dot = "fma">
// BF16-SAME: braid.schedule = #braid.schedule<"vector", lanes = 16, rows = {{[0-9]+}}, dot = "bf16">
// REFERENCE-SAME: braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">
func.func private @bf16(%x: memref<?x48xbf16>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// Codes become pairs of bf16.
// CHECK-LABEL: func.func private @coded(
// V3-SAME: lanes = 8, rows = 4, dot = "fma">
// BF16-SAME: dot = "bf16">
func.func private @coded(%x: memref<?x48xbf16>, %w: memref<2x13x32x4xf8E4M3FN>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x13x32x4xf8E4M3FN>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// f32 products are always multiply-adds.
// CHECK-LABEL: func.func private @f32(
// BF16-SAME: dot = "fma"
func.func private @f32(%x: memref<?x48xf32>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64} {
  braid.packed_contract ins(%x, %w : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// An op that wants another schedule than the main one of its kernel has its own.
// CHECK-LABEL: func.func private @both(
// BF16-SAME: attributes {braid.kernel = 4 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">
// BF16-NEXT: braid.rms_norm
// BF16-SAME: braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "fma">
// BF16-NEXT: braid.packed_contract
// BF16-NOT: braid.schedule
// REFERENCE-NEXT: braid.rms_norm
// REFERENCE-NOT: braid.schedule
// CHECK: return
func.func private @both(%h: memref<?x48xbf16>, %s: memref<48xf32>, %u: memref<?x48xbf16>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 4 : i64} {
  braid.rms_norm ins(%h, %s : memref<?x48xbf16>, memref<48xf32>) outs(%u : memref<?x48xbf16>) {eps = 1.0e-5}
  braid.packed_contract ins(%u, %w : memref<?x48xbf16>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// Only kernels have a schedule.
// CHECK-LABEL: func.func private @block(
// CHECK-NOT: braid.schedule
func.func private @block(%x: memref<?x48xf32>) {
  return
}

// For a GPU target: threads by what a block works on, a row of 1024 here.
// CHECK-LABEL: func.func private @norm_sm_90a(
// V3-SAME: braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>
// REFERENCE-SAME: braid.schedule = #braid.gpu_schedule<"reference", threads = 1, blocks = 1>
func.func private @norm_sm_90a(%step: !braid.context, %x: memref<?x1024xf32>, %w: memref<1024xf32>, %y: memref<?x1024xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a"} {
  braid.rms_norm ins(%x, %w : memref<?x1024xf32>, memref<1024xf32>) outs(%y : memref<?x1024xbf16>) {eps = 1.0e-5 : f64}
  return
}

// At least a warp.
// CHECK-LABEL: func.func private @narrow_sm_90a(
// V3-SAME: braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 2>
func.func private @narrow_sm_90a(%step: !braid.context, %x: memref<?x24xf32>, %w: memref<24xf32>, %y: memref<?x24xbf16>) attributes {braid.kernel = 3 : i64, braid.target = "sm_90a"} {
  braid.rms_norm ins(%x, %w : memref<?x24xf32>, memref<24xf32>) outs(%y : memref<?x24xbf16>) {eps = 1.0e-5 : f64}
  return
}
