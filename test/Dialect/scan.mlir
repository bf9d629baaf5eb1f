// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// Both ops give their state pool back beside their result.

// CHECK-LABEL: func @causal_conv
// CHECK: %conv, %conv_pool = braid.causal_conv ins(%{{.*}}, %{{.*}} : tensor<?x96xbf16>, tensor<4x96xf32>) bias(%{{.*}} : tensor<96xf32>) batch(%{{.*}}) layer(%{{.*}}) outs(%{{.*}}, %{{.*}} : tensor<?x96xbf16>, tensor<6x?x3x96xbf16>) -> tensor<?x96xbf16>, tensor<6x?x3x96xbf16>
func.func @causal_conv(%x: tensor<?x96xbf16>, %w: tensor<4x96xf32>, %b: tensor<96xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xbf16>, %pool: tensor<6x?x3x96xbf16>) -> (tensor<?x96xbf16>, tensor<6x?x3x96xbf16>) {
  %y, %next = braid.causal_conv ins(%x, %w : tensor<?x96xbf16>, tensor<4x96xf32>) bias(%b : tensor<96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xbf16>, tensor<6x?x3x96xbf16>) -> tensor<?x96xbf16>, tensor<6x?x3x96xbf16>
  return %y, %next : tensor<?x96xbf16>, tensor<6x?x3x96xbf16>
}

// CHECK-LABEL: func @causal_conv_without_bias
// CHECK: braid.causal_conv ins({{.*}}) batch(
func.func @causal_conv_without_bias(%x: memref<?x96xf32>, %w: memref<2x96xf32>, %batch: !braid.batch, %layer: index, %out: memref<?x96xf32>, %pool: memref<6x?x1x96xf32>) {
  braid.causal_conv ins(%x, %w : memref<?x96xf32>, memref<2x96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : memref<?x96xf32>, memref<6x?x1x96xf32>)
  return
}

// Eight heads of 32 columns, two groups, state 16.
// CHECK-LABEL: func @ssd_scan
// CHECK: %scan, %ssm_pool = braid.ssd_scan ins({{.*}} : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch({{.*}}) layer({{.*}}) outs({{.*}}) {chunk = 64 : i64, dt_max = 1.000000e-01 : f64, dt_min = 1.000000e-03 : f64}
func.func @ssd_scan(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %head: tensor<8xf32>, %bc: tensor<?x32xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) -> (tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {
  %y, %next = braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return %y, %next : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
}

// No upper limit of dt is +inf.
// CHECK-LABEL: func @ssd_scan_unlimited
// CHECK: dt_max = 0x7FF0000000000000 : f64
func.func @ssd_scan_unlimited(%x: memref<?x256xf32>, %dt: memref<?x8xf32>, %head: memref<8xf32>, %bc: memref<?x32xf32>, %batch: !braid.batch, %layer: index, %pool: memref<6x?x8x16x32xf32>) {
  braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : memref<?x256xf32>, memref<?x8xf32>, memref<8xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<8xf32>, memref<8xf32>) batch(%batch) layer(%layer) outs(%x, %pool : memref<?x256xf32>, memref<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.0, dt_max = 0x7FF0000000000000 : f64}
  return
}
