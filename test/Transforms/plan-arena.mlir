// RUN: braid-opt %s --plan-arena | FileCheck %s

braid.params @p layers = [0, 3] {
  braid.weight @w from "layers.{L}.w" packed tensor<16xf32> table 5 : tensor<16xf32, #braid.storage<f32>>
}

// The arena: 128 fixed bytes, then 192 for every row.
// CHECK: module attributes {braid.arena = array<i64: 128, 192>}

// @caller's 64 bytes a row are alive during the call of @block, so that those of
// @block lie behind them.
// CHECK-LABEL: func.func @caller(
// CHECK-SAME: %step: !braid.context, %[[ROWS:[^:]*]]: index
// CHECK: %temp = braid.arena_view %step at 128 + 0 * rows sizes(%[[ROWS]]) : memref<?x16xf32>
// CHECK: call @block(%step, %{{.*}}, %temp, %{{.*}})
func.func @caller(%rows: index, %layer: index) {
  %x = memref.alloc(%rows) : memref<?x16xf32>
  call @block(%rows, %x, %layer) : (index, memref<?x16xf32>, index) -> ()
  return
}

// The first two are alive together; the third takes the place of the first.
// CHECK-LABEL: func.func private @block(
// CHECK-SAME: %step: !braid.context, %[[ROWS:[^:]*]]: index, %{{.*}}: memref<?x16xf32>, %[[LAYER:[^:]*]]: index
// CHECK: %[[W:.*]] = braid.weight_view %step[5 + %[[LAYER]]] : memref<16xf32>
// CHECK: %[[A:.*]] = braid.arena_view %step at 128 + 64 * rows sizes(%[[ROWS]]) : memref<?x16xf32>
// CHECK: braid.rms_norm ins(%{{.*}}, %[[W]]
// CHECK: %[[B:.*]] = braid.arena_view %step at 128 + 128 * rows sizes(%[[ROWS]]) : memref<?x16xf32>
// CHECK: braid.rms_norm ins(%[[A]]
// CHECK: %[[C:.*]] = braid.arena_view %step at 128 + 64 * rows sizes(%[[ROWS]]) : memref<?x16xf32>
// CHECK: braid.rms_norm ins(%[[B]]
// Fixed temporaries lie before all rows.
// CHECK: braid.arena_view %step at 0 + 0 * rows : memref<17xi32>
func.func private @block(%rows: index, %x: memref<?x16xf32>, %layer: index) {
  %w = braid.param @p::@w[%layer] : memref<16xf32>
  %a = memref.alloc(%rows) : memref<?x16xf32>
  braid.rms_norm ins(%x, %w : memref<?x16xf32>, memref<16xf32>) outs(%a : memref<?x16xf32>) {eps = 1.0e-5}
  %b = memref.alloc(%rows) : memref<?x16xf32>
  braid.rms_norm ins(%a, %w : memref<?x16xf32>, memref<16xf32>) outs(%b : memref<?x16xf32>) {eps = 1.0e-5}
  %c = memref.alloc(%rows) : memref<?x16xf32>
  braid.rms_norm ins(%b, %w : memref<?x16xf32>, memref<16xf32>) outs(%c : memref<?x16xf32>) {eps = 1.0e-5}
  %n = memref.alloc() : memref<17xi32>
  %zero = arith.constant 0 : i32
  memref.store %zero, %n[%layer] : memref<17xi32>
  return
}
