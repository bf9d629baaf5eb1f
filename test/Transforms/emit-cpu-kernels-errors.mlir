// RUN: braid-opt %s --emit-cpu-kernels -verify-diagnostics

// `materialize-storage` turns experts into grouped contractions; there is no
// emitter for what it would have left.
func.func private @experts(%step: !braid.context, %x: memref<?x64xf32>, %i: memref<?x4xi32>, %s: memref<?x4xf32>, %up: memref<16x96x64xf32>, %down: memref<16x64x96xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  // expected-error @+1 {{has no CPU emitter}}
  braid.experts ins(%x, %i, %s, %up, %down : memref<?x64xf32>, memref<?x4xi32>, memref<?x4xf32>, memref<16x96x64xf32>, memref<16x64x96xf32>) outs(%y : memref<?x64xf32>)
  return
}
