// RUN: braid-opt %s --plan-arena -verify-diagnostics -split-input-file

func.func @two_dynamic_sizes(%rows: index) {
  // expected-error @+1 {{a temporary of a step needs static sizes beside its rows, found 'memref<?x?xf32>'}}
  %0 = memref.alloc(%rows, %rows) : memref<?x?xf32>
  return
}

// -----

func.func @dynamic_column(%rows: index) {
  // expected-error @+1 {{a temporary of a step needs static sizes beside its rows, found 'memref<4x?xf32>'}}
  %0 = memref.alloc(%rows) : memref<4x?xf32>
  return
}

// -----

func.func @nested(%rows: index, %wanted: i1) {
  scf.if %wanted {
    // expected-error @+1 {{a temporary of a step needs static sizes beside its rows, found 'memref<4xf32>'}}
    %0 = memref.alloc() : memref<4xf32>
  }
  return
}

// -----

braid.params @p layers = [0] {
  braid.weight @w from "layers.{L}.w" packed tensor<16xf32> : tensor<16xf32, #braid.storage<f32>>
}
func.func @no_table(%layer: index) {
  // expected-error @+1 {{reads a weight without a place in the table}}
  %w = braid.param @p::@w[%layer] : memref<16xf32>
  return
}
