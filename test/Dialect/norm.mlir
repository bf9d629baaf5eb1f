// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// CHECK-LABEL: func @gather_rows
// CHECK: %[[Y:rows]] = braid.gather_rows ins(%{{.*}}, %{{.*}} : tensor<?xi32>, tensor<300x72xbf16>) outs(%{{.*}} : tensor<?x72xbf16>) -> tensor<?x72xbf16>
// CHECK: return %[[Y]]
func.func @gather_rows(%ids: tensor<?xi32>, %table: tensor<300x72xbf16>, %out: tensor<?x72xbf16>) -> tensor<?x72xbf16> {
  %y = braid.gather_rows ins(%ids, %table : tensor<?xi32>, tensor<300x72xbf16>) outs(%out : tensor<?x72xbf16>) -> tensor<?x72xbf16>
  return %y : tensor<?x72xbf16>
}

// The same op on memrefs has no results.
// CHECK-LABEL: func @gather_rows_on_memrefs
// CHECK: braid.gather_rows ins({{.*}} : memref<?xi32>, memref<300x72xbf16>) outs({{.*}} : memref<?x72xf32>)
// CHECK-NOT: ->
func.func @gather_rows_on_memrefs(%ids: memref<?xi32>, %table: memref<300x72xbf16>, %out: memref<?x72xf32>) {
  braid.gather_rows ins(%ids, %table : memref<?xi32>, memref<300x72xbf16>) outs(%out : memref<?x72xf32>)
  return
}

// CHECK-LABEL: func @rms_norm
// CHECK: %norm = braid.rms_norm ins(%{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<64xf32>) outs(%{{.*}} : tensor<?x64xf32>) {eps = 1.000000e-05 : f64} -> tensor<?x64xf32>
func.func @rms_norm(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = braid.rms_norm ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%out : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// A weight that is still stored as bf16; eight groups; a gate.
// CHECK-LABEL: func @gated_norm
// CHECK: braid.rms_norm ins({{.*}}) gate(%{{.*}} : tensor<?x64xbf16>) outs({{.*}}) {eps = 1.000000e-05 : f64, groups = 8 : i64}
func.func @gated_norm(%x: tensor<?x64xbf16>, %w: tensor<64xbf16, #braid.storage<bf16>>, %z: tensor<?x64xbf16>, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = braid.rms_norm ins(%x, %w : tensor<?x64xbf16>, tensor<64xbf16, #braid.storage<bf16>>) gate(%z : tensor<?x64xbf16>) outs(%out : tensor<?x64xbf16>) {eps = 1.0e-5, groups = 8} -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// CHECK-LABEL: func @sample
// CHECK: %chosen = braid.sample ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x512xf32>, tensor<?xf32>, tensor<?xi32>) outs(%{{.*}} : tensor<?xi32>) -> tensor<?xi32>
func.func @sample(%logits: tensor<?x512xf32>, %t: tensor<?xf32>, %k: tensor<?xi32>, %ids: tensor<?xi32>) -> tensor<?xi32> {
  %0 = braid.sample ins(%logits, %t, %k : tensor<?x512xf32>, tensor<?xf32>, tensor<?xi32>) outs(%ids : tensor<?xi32>) -> tensor<?xi32>
  return %0 : tensor<?xi32>
}

// CHECK-LABEL: func @tap
// CHECK: %hidden = braid.tap ins(%{{.*}} : tensor<?x64xbf16>) layer(%{{.*}}) outs(%{{.*}} : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
func.func @tap(%x: tensor<?x64xbf16>, %layer: index, %dump: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %0 = braid.tap ins(%x : tensor<?x64xbf16>) layer(%layer) outs(%dump : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}
