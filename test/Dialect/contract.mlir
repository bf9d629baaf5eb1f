// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// The region is the epilogue: (acc, extras..., old element) -> new element. Here
// a bias per column is added and the sum is rounded.

// CHECK-LABEL: func @biased
// CHECK: %product = braid.packed_contract ins(%{{.*}}, %{{.*}} : tensor<?x48xbf16>, tensor<2x24x32x2xbf16>) extras(%{{.*}} : tensor<64xf32>) outs(%{{.*}} : tensor<?x64xbf16>) {
// CHECK-NEXT: ^bb0(%acc: f32, %extra: f32, %old: bf16):
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %acc, %extra : f32
// CHECK-NEXT: %[[R:.*]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK-NEXT: braid.yield %[[R]] : bf16
// CHECK-NEXT: } -> tensor<?x64xbf16>
func.func @biased(%x: tensor<?x48xbf16>, %w: tensor<2x24x32x2xbf16>, %bias: tensor<64xf32>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = braid.packed_contract ins(%x, %w : tensor<?x48xbf16>, tensor<2x24x32x2xbf16>) extras(%bias : tensor<64xf32>) outs(%out : tensor<?x64xbf16>) {
  ^bb0(%acc: f32, %b: f32, %old: bf16):
    %sum = arith.addf %acc, %b : f32
    %r = arith.truncf %sum : f32 to bf16
    braid.yield %r : bf16
  } -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// N need not be a multiple of the panel: 72 outputs take three.
// CHECK-LABEL: func @partial_panels
// CHECK: memref<3x23x32x2xbf16>
func.func @partial_panels(%x: memref<?x46xbf16>, %w: memref<3x23x32x2xbf16>, %out: memref<?x72xf32>) {
  braid.packed_contract ins(%x, %w : memref<?x46xbf16>, memref<3x23x32x2xbf16>) outs(%out : memref<?x72xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// A stack of 16 experts: rows are the (row, choice) pairs, sorted by expert.
// CHECK-LABEL: func @grouped
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x48xf32>, tensor<16x2x48x32x1xf32>) grouped(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>) gather outs(%{{.*}} : tensor<?x4x64xf32>) {
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x4x64xf32>, tensor<16x2x64x32x1xf32>) grouped({{.*}}) outs(%{{.*}} : tensor<?x4x48xf32>) {
func.func @grouped(%x: tensor<?x48xf32>, %up: tensor<16x2x48x32x1xf32>, %down: tensor<16x2x64x32x1xf32>, %order: tensor<?x4xi32>, %begin: tensor<17xi32>, %active: tensor<17xi32>, %mid: tensor<?x4x64xf32>, %out: tensor<?x4x48xf32>) -> tensor<?x4x48xf32> {
  %0 = braid.packed_contract ins(%x, %up : tensor<?x48xf32>, tensor<16x2x48x32x1xf32>) grouped(%order, %begin, %active : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>) gather outs(%mid : tensor<?x4x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x4x64xf32>
  %1 = braid.packed_contract ins(%0, %down : tensor<?x4x64xf32>, tensor<16x2x64x32x1xf32>) grouped(%order, %begin, %active : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>) outs(%out : tensor<?x4x48xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x4x48xf32>
  return %1 : tensor<?x4x48xf32>
}

// Codes of 48 inputs in twelve rows of a panel, behind a row of scales.
// CHECK-LABEL: func @coded
// CHECK: braid.packed_contract ins({{.*}} : memref<?x48xbf16>, memref<3x13x32x4xf8E4M3FN>)
func.func @coded(%x: memref<?x48xbf16>, %w: memref<3x13x32x4xf8E4M3FN>, %out: memref<?x72xf32>) {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<3x13x32x4xf8E4M3FN>) outs(%out : memref<?x72xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// Codes of 80 inputs in ten rows, the scales of five blocks in two before them.
// CHECK-LABEL: func @blocks
// CHECK: braid.packed_contract ins({{.*}} : memref<?x80xbf16>, memref<3x13x32x4xi8>)
func.func @blocks(%x: memref<?x80xbf16>, %w: memref<3x13x32x4xi8>, %out: memref<?x72xf32>) {
  braid.packed_contract ins(%x, %w : memref<?x80xbf16>, memref<3x13x32x4xi8>) outs(%out : memref<?x72xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
