// RUN: braid-opt %s --emit-cpu-kernels -verify-diagnostics -split-input-file

// `materialize-storage` turns experts into grouped contractions; there is no
// emitter for what it would have left.
func.func private @experts(%step: !braid.context, %x: memref<?x64xf32>, %i: memref<?x4xi32>, %s: memref<?x4xf32>, %up: memref<16x96x64xf32>, %down: memref<16x64x96xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  // expected-error @+1 {{has no CPU emitter}}
  braid.experts ins(%x, %i, %s, %up, %down : memref<?x64xf32>, memref<?x4xi32>, memref<?x4xf32>, memref<16x96x64xf32>, memref<16x64x96xf32>) outs(%y : memref<?x64xf32>)
  return
}

// -----

func.func private @bf16_of_f32(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">} {
  // expected-error @+1 {{of @bf16_of_f32: dot = bf16 needs a contraction with bf16 weights}}
  braid.packed_contract ins(%x, %w : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

func.func private @bf16_of_norm(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<48xf32>, %y: memref<?x48xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">} {
  // expected-error @+1 {{of @bf16_of_norm: dot = bf16 needs a contraction with bf16 weights}}
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%y : memref<?x48xf32>) {eps = 1.0e-5}
  return
}
