// RUN: braid-opt %s --lower-to-reference | FileCheck %s

// The op's definition: loops over scalars, on one thread. (`emit-every-op.mlir`
// has all ops.)
// CHECK-LABEL: func.func private @combine(
// CHECK-NOT: braid.schedule
// CHECK-NOT: braid.parallel
// CHECK-NOT: vector
// CHECK: scf.for
// CHECK: scf.for
// CHECK: memref.load
// CHECK: arith.mulf
// CHECK: memref.store
// CHECK-NOT: braid.combine_experts
func.func private @combine(%step: !braid.context, %parts: memref<?x4x64xf32>, %w: memref<?x4xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">} {
  braid.combine_experts ins(%parts, %w : memref<?x4x64xf32>, memref<?x4xf32>) outs(%y : memref<?x64xf32>)
  return
}

// A kernel with another schedule is left to the emitters.
// CHECK-LABEL: func.func private @vector(
// CHECK-SAME: braid.schedule
// CHECK-NEXT: braid.combine_experts
func.func private @vector(%step: !braid.context, %parts: memref<?x4x64xf32>, %w: memref<?x4xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.combine_experts ins(%parts, %w : memref<?x4x64xf32>, memref<?x4xf32>) outs(%y : memref<?x64xf32>)
  return
}

// Experts that materialize-storage has not taken apart have a definition too.
// CHECK-LABEL: func.func private @experts(
// CHECK-NOT: vector
// CHECK-NOT: braid.experts
// CHECK: memref.load %{{.*}} : memref<4x16x8xf32>
// CHECK: arith.maxnumf
// CHECK: memref.load %{{.*}} : memref<4x8x16xf32>
func.func private @experts(%step: !braid.context, %x: memref<?x8xf32>, %ids: memref<?x2xi32>, %w: memref<?x2xf32>, %up: memref<4x16x8xf32>, %down: memref<4x8x16xf32>, %y: memref<?x8xf32>) attributes {braid.kernel = 2 : i64, braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">} {
  braid.experts ins(%x, %ids, %w, %up, %down : memref<?x8xf32>, memref<?x2xi32>, memref<?x2xf32>, memref<4x16x8xf32>, memref<4x8x16xf32>) outs(%y : memref<?x8xf32>)
  return
}

// A code is one byte; the scale of an output, four of them, comes after the sum.
// CHECK-LABEL: func.func private @coded(
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c48
// CHECK: memref.load %{{.*}} : memref<2x13x32x4xf8E4M3FN>
// CHECK: arith.shrsi
// CHECK: arith.mulf
// CHECK: scf.yield
// CHECK-COUNT-4: memref.load %{{.*}} : memref<2x13x32x4xf8E4M3FN>
// CHECK: arith.mulf
// CHECK-NOT: scf.yield
// CHECK: memref.store
func.func private @coded(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x13x32x4xf8E4M3FN>, %y: memref<?x64xbf16>) attributes {braid.kernel = 4 : i64, braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x13x32x4xf8E4M3FN>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// With its block's scale.
// CHECK-LABEL: func.func private @blocks(
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c48
// CHECK-COUNT-2: memref.load %{{.*}} : memref<2x8x32x4xi8>
// CHECK: scf.yield
// CHECK-COUNT-4: memref.load %{{.*}} : memref<2x8x32x4xi8>
func.func private @blocks(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x8x32x4xi8>, %y: memref<?x64xbf16>) attributes {braid.kernel = 5 : i64, braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x8x32x4xi8>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// On a GPU the definition runs in a grid of one thread.
// CHECK-LABEL: func.func private @combine_sm_90a(
// CHECK-NOT: braid.gpu_schedule
// CHECK: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]]) threads({{.*}}) in (%{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]]) {
// CHECK: scf.for
// CHECK: memref.store
// CHECK-NOT: braid.combine_experts
// CHECK: gpu.terminator
// CHECK: } {braid.op = "combine_experts", braid.strategy = "reference"}
func.func private @combine_sm_90a(%step: !braid.context, %parts: memref<?x4x64xf32>, %w: memref<?x4xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"reference", threads = 1, blocks = 1>} {
  braid.combine_experts ins(%parts, %w : memref<?x4x64xf32>, memref<?x4xf32>) outs(%y : memref<?x64xf32>)
  return
}

// CHECK-LABEL: func.func private @norm_sm_90a(
// CHECK-SAME: #braid.gpu_schedule<"simt"
// CHECK-NEXT: braid.rms_norm
func.func private @norm_sm_90a(%step: !braid.context, %x: memref<?x64xf32>, %w: memref<64xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 3 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 2>} {
  braid.rms_norm ins(%x, %w : memref<?x64xf32>, memref<64xf32>) outs(%y : memref<?x64xf32>) {eps = 1.0e-5 : f64}
  return
}
