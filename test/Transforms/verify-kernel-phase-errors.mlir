// RUN: braid-opt %s --verify-kernel-phase -verify-diagnostics -split-input-file

func.func @allocates() {
  // expected-error @+1 {{allocates: a step allocates nothing}}
  %0 = memref.alloc() : memref<4xf32>
  return
}

// -----

func.func @allocates_on_the_stack() {
  // expected-error @+1 {{allocates: a step allocates nothing}}
  %0 = memref.alloca() : memref<4xf32>
  return
}

// -----

func.func @copies(%pool: memref<2x4xf32>, %other: memref<2x4xf32>) {
  // expected-error @+1 {{copies a buffer: state and activations are updated in place}}
  memref.copy %pool, %other : memref<2x4xf32> to memref<2x4xf32>
  return
}

// -----

// expected-error @+1 {{@returns returns a buffer: state is updated in place}}
func.func @returns(%pool: memref<2x4xf32>) -> memref<2x4xf32> {
  return %pool : memref<2x4xf32>
}

// -----

func.func @tensor() {
  // expected-error @+1 {{uses a tensor after bufferization}}
  %0 = tensor.empty() : tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{is a kernel without a schedule}}
func.func private @no_schedule(%x: memref<4xf32>) attributes {braid.kernel = 0 : i64} {
  return
}
