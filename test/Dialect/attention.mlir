// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// Four query heads share two KV heads of 32 columns.

// CHECK-LABEL: func @attention
// CHECK: %attention, %k_pool, %v_pool = braid.attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%{{.*}}) layer(%{{.*}}) outs({{.*}} : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.17677669529663687 : f64} -> tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
func.func @attention(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x128xf32>, %ks: tensor<3x?x2x?x32xf32>, %vs: tensor<3x?x2x?x32xf32>) -> (tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {
  %y:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.17677669529663687} -> tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
  return %y#0, %y#1, %y#2 : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
}

// CHECK-LABEL: func @attention_on_memrefs
// CHECK: braid.attention ins({{.*}}) batch({{.*}}) layer({{.*}}) outs({{.*}} : memref<?x128xbf16>, memref<3x?x2x?x32xbf16>, memref<3x?x2x?x32xbf16>) {scale = 5.000000e-01 : f64}
func.func @attention_on_memrefs(%q: memref<?x128xbf16>, %k: memref<?x64xbf16>, %batch: !braid.batch, %layer: index, %out: memref<?x128xbf16>, %ks: memref<3x?x2x?x32xbf16>, %vs: memref<3x?x2x?x32xbf16>) {
  braid.attention ins(%q, %k, %k : memref<?x128xbf16>, memref<?x64xbf16>, memref<?x64xbf16>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : memref<?x128xbf16>, memref<3x?x2x?x32xbf16>, memref<3x?x2x?x32xbf16>) {scale = 0.5}
  return
}
