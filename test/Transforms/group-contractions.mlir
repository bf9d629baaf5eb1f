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
