// RUN: braid-opt %s --drop-step-results | FileCheck %s

// What @step returns are buffers that came in; other functions are left alone.
// CHECK-LABEL: func.func @step(%arg0: memref<?x8xf32>, %arg1: memref<2x?x4xf32>) {
// CHECK-NEXT: return
// CHECK-NEXT: }
func.func @step(%logits: memref<?x8xf32>, %pool: memref<2x?x4xf32>) -> (memref<?x8xf32>, memref<2x?x4xf32>) {
  return %logits, %pool : memref<?x8xf32>, memref<2x?x4xf32>
}

// CHECK-LABEL: func.func @other(%arg0: memref<4xf32>) -> memref<4xf32> {
func.func @other(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}
