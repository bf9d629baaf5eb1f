// RUN: braid-opt %s --bind-step | FileCheck %s

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %step: !braid.context)
// CHECK: braid.step_view %step "ids" : memref<?xi32>
// CHECK: call @embed(%step)
// CHECK: call @block(%step, %c0, %{{.*}})
// CHECK: call @block(%step, %c1, %{{.*}})
func.func @step(%step: !braid.context, %ids: memref<?xi32>, %batch: !braid.batch, %rows: memref<?xi32>, %temperatures: memref<?xf32>, %keys: memref<?xi32>, %logits: memref<?x8xf32>, %chosen: memref<?xi32>, %hidden: memref<?x?x4xf32>, %k: memref<2x?x4xf32>, %v: memref<2x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  call @embed(%step, %ids) : (!braid.context, memref<?xi32>) -> ()
  call @block(%step, %c0, %batch, %v, %v) : (!braid.context, index, !braid.batch, memref<2x?x4xf32>, memref<2x?x4xf32>) -> ()
  call @block(%step, %c1, %batch, %v, %k) : (!braid.context, index, !braid.batch, memref<2x?x4xf32>, memref<2x?x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func private @embed(
// CHECK-SAME: %step: !braid.context)
// CHECK: %[[IDS:.*]] = braid.step_view %step "ids" : memref<?xi32>
// CHECK: memref.load %[[IDS]]
func.func private @embed(%step: !braid.context, %ids: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %0 = memref.load %ids[%c0] : memref<?xi32>
  return
}

// Both calls pass the second pool first, but not the same one second.
// CHECK-LABEL: func.func private @block(
// CHECK-SAME: %step: !braid.context, %{{.*}}: index, %[[SECOND:[^:]*]]: memref<2x?x4xf32>)
// CHECK: %[[POOL:.*]] = braid.step_view %step "pool" 1 : memref<2x?x4xf32>
// CHECK: memref.load %[[POOL]]
// CHECK: memref.load %[[SECOND]]
func.func private @block(%step: !braid.context, %layer: index, %batch: !braid.batch, %a: memref<2x?x4xf32>, %b: memref<2x?x4xf32>) {
  %0 = memref.load %a[%layer, %layer, %layer] : memref<2x?x4xf32>
  %1 = memref.load %b[%layer, %layer, %layer] : memref<2x?x4xf32>
  return
}
