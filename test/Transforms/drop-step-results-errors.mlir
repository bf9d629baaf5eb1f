// RUN: braid-opt %s --drop-step-results -verify-diagnostics

func.func @step(%logits: memref<?x8xf32>, %pool: memref<2x4x4xf32>) -> (memref<?x8xf32>, memref<2x4x4xf32>) {
  %copy = memref.alloc() : memref<2x4x4xf32>
  memref.copy %pool, %copy : memref<2x4x4xf32> to memref<2x4x4xf32>
  // expected-error @+1 {{result 1 of @step is not updated in place}}
  return %logits, %copy : memref<?x8xf32>, memref<2x4x4xf32>
}
