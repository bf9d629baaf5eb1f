// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// CHECK-LABEL: func @route
// CHECK: %ids, %weights = braid.route ins(%{{.*}}, %{{.*}} : tensor<?x16xf32>, tensor<16xf32>) outs({{.*}} : tensor<?x4xi32>, tensor<?x4xf32>) {group_k = 2 : i64, groups = 4 : i64, normalise, scale = 2.500000e+00 : f64} -> tensor<?x4xi32>, tensor<?x4xf32>
func.func @route(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %i: tensor<?x4xi32>, %w: tensor<?x4xf32>) -> (tensor<?x4xi32>, tensor<?x4xf32>) {
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%i, %w : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 4, group_k = 2, normalise, scale = 2.5} -> tensor<?x4xi32>, tensor<?x4xf32>
  return %0#0, %0#1 : tensor<?x4xi32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @experts
// CHECK: %routed = braid.experts ins({{.*}} : tensor<?x64xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x64xbf16, #braid.storage<nvfp4>>, tensor<16x64x96xbf16, #braid.storage<fp8>>) outs(%{{.*}} : tensor<?x64xf32>) -> tensor<?x64xf32>
func.func @experts(%x: tensor<?x64xf32>, %i: tensor<?x4xi32>, %w: tensor<?x4xf32>, %up: tensor<16x96x64xbf16, #braid.storage<nvfp4>>, %down: tensor<16x64x96xbf16, #braid.storage<fp8>>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = braid.experts ins(%x, %i, %w, %up, %down : tensor<?x64xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x64xbf16, #braid.storage<nvfp4>>, tensor<16x64x96xbf16, #braid.storage<fp8>>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// What `braid.experts` becomes in the kernel phase.

// CHECK-LABEL: func @group_rows
// CHECK: %order, %begin, %active = braid.group_rows ins(%{{.*}} : tensor<?x4xi32>) outs({{.*}} : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>) -> tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>
func.func @group_rows(%ids: tensor<?x4xi32>, %o: tensor<?x4xi32>, %b: tensor<17xi32>, %a: tensor<17xi32>) -> tensor<17xi32> {
  %0:3 = braid.group_rows ins(%ids : tensor<?x4xi32>) outs(%o, %b, %a : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>) -> tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>
  return %0#2 : tensor<17xi32>
}

// CHECK-LABEL: func @combine_experts
// CHECK: %combined = braid.combine_experts ins(%{{.*}}, %{{.*}} : tensor<?x4x64xbf16>, tensor<?x4xf32>) outs(%{{.*}} : tensor<?x64xbf16>) -> tensor<?x64xbf16>
func.func @combine_experts(%parts: tensor<?x4x64xbf16>, %w: tensor<?x4xf32>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = braid.combine_experts ins(%parts, %w : tensor<?x4x64xbf16>, tensor<?x4xf32>) outs(%out : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
