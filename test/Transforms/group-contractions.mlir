// RUN: braid-opt %s --group-contractions --split-input-file | FileCheck %s

// The second projection of %x stands behind the first, with its weight and
// buffer; the norm between them waits.
// CHECK-LABEL: func.func @moves(
// CHECK: %[[A:.*]] = braid.packed_contract ins(%arg0, %arg1
// CHECK: %[[SIZE:.*]] = tensor.dim
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[SIZE]])
// CHECK: %[[B:.*]] = braid.packed_contract ins(%arg0, %arg2 {{.*}} outs(%[[EMPTY]]
// CHECK: %[[N:.*]] = braid.rms_norm ins(%[[A]]
// CHECK: return %[[N]], %[[B]]
func.func @moves(%x: tensor<?x48xf32>, %v: tensor<2x48x32x1xf32>, %w: tensor<2x48x32x1xf32>, %scale: tensor<64xf32>, %t: tensor<?x64xf32>, %u: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %a = braid.packed_contract ins(%x, %v : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%t : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  %n = braid.rms_norm ins(%a, %scale : tensor<?x64xf32>, tensor<64xf32>) outs(%u : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x48xf32>
  %empty = tensor.empty(%rows) : tensor<?x64xf32>
  %b = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%empty : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return %n, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// What it multiplies with comes from between them; and what updates a buffer
// could be read there.
// CHECK-LABEL: func.func @stays(
// CHECK: braid.packed_contract
// CHECK: braid.rms_norm
// CHECK: braid.packed_contract
// CHECK: braid.packed_contract
func.func @stays(%x: tensor<?x48xf32>, %v: tensor<2x48x32x1xf32>, %scale: tensor<64xf32>, %t: tensor<?x64xf32>, %u: tensor<?x64xf32>, %h: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %a = braid.packed_contract ins(%x, %v : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%t : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  %n = braid.rms_norm ins(%a, %scale : tensor<?x64xf32>, tensor<64xf32>) outs(%u : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x48xf32>
  %empty = tensor.empty(%rows) : tensor<?x64xf32>
  %b = braid.packed_contract ins(%x, %v : tensor<?x48xf32>, tensor<2x48x32x1xf32>) extras(%n : tensor<?x64xf32>) outs(%empty : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %other: f32, %old: f32):
    %sum = arith.addf %acc, %other : f32
    braid.yield %sum : f32
  } -> tensor<?x64xf32>
  %c = braid.packed_contract ins(%x, %v : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%h : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    %sum = arith.addf %acc, %old : f32
    braid.yield %sum : f32
  } -> tensor<?x64xf32>
  return %b, %c : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// A contraction that does not need the experts stands behind the second one of
// them, to be read at the same time; the one that needs them does not.
// CHECK-LABEL: func.func @experts(
// CHECK: braid.packed_contract {{.*}} grouped({{.*}}) gather
// CHECK: braid.packed_contract {{.*}} grouped(
// CHECK: %[[F:.*]] = braid.packed_contract ins(%arg1,
// CHECK: %[[Y:.*]] = braid.combine_experts
// CHECK: braid.packed_contract ins(%[[Y]], {{.*}} extras(%[[F]]
func.func @experts(%x: tensor<?x32xf32>, %e: tensor<?x32xf32>, %s: tensor<?x2xf32>, %o: tensor<?x2xi32>, %b: tensor<5xi32>, %a: tensor<5xi32>, %p: tensor<4x1x32x32x1xf32>, %q: tensor<1x32x32x1xf32>, %n: index) -> tensor<?x32xf32> {
  %three = tensor.empty(%n) : tensor<?x2x32xf32>
  %two = tensor.empty(%n) : tensor<?x32xf32>
  %u = braid.packed_contract ins(%x, %p : tensor<?x32xf32>, tensor<4x1x32x32x1xf32>) grouped(%o, %b, %a : tensor<?x2xi32>, tensor<5xi32>, tensor<5xi32>) gather outs(%three : tensor<?x2x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x2x32xf32>
  %d = braid.packed_contract ins(%u, %p : tensor<?x2x32xf32>, tensor<4x1x32x32x1xf32>) grouped(%o, %b, %a : tensor<?x2xi32>, tensor<5xi32>, tensor<5xi32>) outs(%three : tensor<?x2x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x2x32xf32>
  %y = braid.combine_experts ins(%d, %s : tensor<?x2x32xf32>, tensor<?x2xf32>) outs(%two : tensor<?x32xf32>) -> tensor<?x32xf32>
  %f = braid.packed_contract ins(%e, %q : tensor<?x32xf32>, tensor<1x32x32x1xf32>) outs(%two : tensor<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x32xf32>
  %r = braid.packed_contract ins(%y, %q : tensor<?x32xf32>, tensor<1x32x32x1xf32>) extras(%f : tensor<?x32xf32>) outs(%two : tensor<?x32xf32>) {
  ^bb0(%acc: f32, %other: f32, %old: f32):
    %sum = arith.addf %acc, %other : f32
    braid.yield %sum : f32
  } -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}
