// RUN: braid-opt %s --canonicalize | FileCheck %s

// Groups that all take part choose nothing.
// CHECK-LABEL: func @route_all_groups
// CHECK: braid.route
// CHECK-NOT: group
// CHECK: scale = 1.000000e+00
func.func @route_all_groups(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %i: tensor<?x4xi32>, %w: tensor<?x4xf32>) -> (tensor<?x4xi32>, tensor<?x4xf32>) {
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%i, %w : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 4, group_k = 4, scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return %0#0, %0#1 : tensor<?x4xi32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @route_some_groups
// CHECK: group_k = 2 : i64, groups = 4 : i64
func.func @route_some_groups(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %i: tensor<?x4xi32>, %w: tensor<?x4xf32>) -> (tensor<?x4xi32>, tensor<?x4xf32>) {
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%i, %w : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 4, group_k = 2, scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return %0#0, %0#1 : tensor<?x4xi32>, tensor<?x4xf32>
}

// An extra that the epilogue does not use goes; one that is there twice is read
// once.
// CHECK-LABEL: func @extras
// CHECK-SAME: %[[A:[^:]*]]: tensor<64xf32>, %[[B:[^:]*]]: tensor<?x64xf32>
// CHECK: extras(%[[B]] : tensor<?x64xf32>)
// CHECK-NEXT: ^bb0(%acc: f32, %extra: f32, %old: f32):
// CHECK-NEXT: %[[S:.*]] = arith.addf %extra, %extra
// CHECK-NEXT: braid.yield %[[S]]
func.func @extras(%a: tensor<64xf32>, %b: tensor<?x64xf32>, %x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) extras(%b, %a, %b : tensor<?x64xf32>, tensor<64xf32>, tensor<?x64xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %0: f32, %1: f32, %2: f32, %old: f32):
    %s = arith.addf %0, %2 : f32
    braid.yield %s : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// No tap is taken where the dump has room for none.
// CHECK-LABEL: func @no_taps
// CHECK-SAME: %[[DUMP:[^:]*]]: tensor<0x?x64xf32>
// CHECK-NEXT: return %[[DUMP]]
func.func @no_taps(%dump: tensor<0x?x64xf32>, %x: tensor<?x64xf32>, %layer: index) -> tensor<0x?x64xf32> {
  %0 = braid.tap ins(%x : tensor<?x64xf32>) layer(%layer) outs(%dump : tensor<0x?x64xf32>) -> tensor<0x?x64xf32>
  return %0 : tensor<0x?x64xf32>
}

// CHECK-LABEL: func @taps
// CHECK: braid.tap
func.func @taps(%dump: tensor<?x?x64xf32>, %x: tensor<?x64xf32>, %layer: index) -> tensor<?x?x64xf32> {
  %0 = braid.tap ins(%x : tensor<?x64xf32>) layer(%layer) outs(%dump : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// Compute ops on tensors are pure: what nobody reads goes.
// CHECK-LABEL: func @dead
// CHECK-NEXT: return
func.func @dead(%x: tensor<?x64xf32>, %w: tensor<64xf32>) {
  %y = braid.rms_norm ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%x : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  return
}

// On memrefs they write, and stay.
// CHECK-LABEL: func @written
// CHECK-NEXT: braid.rms_norm
func.func @written(%x: memref<?x64xf32>, %w: memref<64xf32>) {
  braid.rms_norm ins(%x, %w : memref<?x64xf32>, memref<64xf32>) outs(%x : memref<?x64xf32>) {eps = 1.0e-5}
  return
}
