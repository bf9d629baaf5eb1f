// RUN: braid-opt %s --pass-pipeline='builtin.module(func.func(fuse-epilogue))' | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#transposed = affine_map<(d0, d1) -> (d1, d0)>

// A bias per column, then the residual sum: both move in, and the contraction
// updates h itself.
// CHECK-LABEL: func @bias_and_residual
// CHECK-SAME: %[[BIAS:[^:]*]]: tensor<64xf32>, %[[H:[^:]*]]: tensor<?x64xbf16>)
// CHECK-NOT: linalg.generic
// CHECK: braid.packed_contract ins({{.*}}) extras(%[[BIAS]] : tensor<64xf32>) outs(%[[H]] : tensor<?x64xbf16>)
// CHECK-NEXT: ^bb0(%acc: f32, %extra: f32, %old: bf16):
// CHECK-NEXT: %[[B:.*]] = arith.addf %acc, %extra
// CHECK-NEXT: %[[R:.*]] = arith.truncf %[[B]]
// CHECK-NEXT: %[[S:.*]] = arith.addf %old, %[[R]]
// CHECK-NEXT: braid.yield %[[S]]
// CHECK-NOT: linalg.generic
func.func @bias_and_residual(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %sum: tensor<?x64xf32>, %bias: tensor<64xf32>, %h: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%sum : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  %1 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %bias : tensor<?x64xf32>, tensor<64xf32>) outs(%sum : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %2 = arith.addf %a, %b : f32
    linalg.yield %2 : f32
  } -> tensor<?x64xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<?x64xf32>) outs(%h : tensor<?x64xbf16>) {
  ^bb0(%a: f32, %old: bf16):
    %2 = arith.truncf %a : f32 to bf16
    %4 = arith.addf %old, %2 : bf16
    linalg.yield %4 : bf16
  } -> tensor<?x64xbf16>
  return %3 : tensor<?x64xbf16>
}

// One destination is enough: a contraction that updates h keeps its consumer.
// CHECK-LABEL: func @one_destination
// CHECK: braid.packed_contract
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic
func.func @one_destination(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %sum: tensor<?x64xf32>, %h: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%sum : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x64xf32>) outs(%h : tensor<?x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    %2 = arith.addf %old, %a : f32
    linalg.yield %2 : f32
  } -> tensor<?x64xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<?x64xf32>) outs(%sum : tensor<?x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    %2 = arith.mulf %a, %a : f32
    linalg.yield %2 : f32
  } -> tensor<?x64xf32>
  return %3 : tensor<?x64xf32>
}

// Two users: the product is needed by itself.
// CHECK-LABEL: func @two_users
// CHECK: braid.packed_contract
// CHECK: linalg.generic
func.func @two_users(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %sum: tensor<?x64xf32>, %out: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%sum : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x64xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    %2 = arith.mulf %a, %a : f32
    linalg.yield %2 : f32
  } -> tensor<?x64xf32>
  return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
}

// Not elementwise: the product is read transposed.
// CHECK-LABEL: func @transposed
// CHECK: braid.packed_contract
// CHECK: linalg.generic
func.func @transposed(%x: tensor<64x48xf32>, %w: tensor<2x48x32x1xf32>, %sum: tensor<64x64xf32>, %out: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %0 = braid.packed_contract ins(%x, %w : tensor<64x48xf32>, tensor<2x48x32x1xf32>) outs(%sum : tensor<64x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<64x64xf32>
  %1 = linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<64x64xf32>) outs(%out : tensor<64x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<64x64xf32>
  return %1 : tensor<64x64xf32>
}
