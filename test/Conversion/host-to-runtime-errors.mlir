// RUN: braid-opt %s --host-to-runtime -verify-diagnostics -split-input-file

func.func @unknown_field(%step: !braid.context) {
  // expected-error @+2 {{unknown field 'idz'}}
  // expected-error @+1 {{failed to legalize operation 'braid.step_view'}}
  %0 = braid.step_view %step "idz" : memref<?xi32>
  %c0 = arith.constant 0 : index
  %1 = memref.load %0[%c0] : memref<?xi32>
  memref.store %1, %0[%c0] : memref<?xi32>
  return
}

// -----

func.func @not_emitted(%x: memref<?x48xf32>, %w: memref<48xf32>) {
  // expected-error @+1 {{failed to legalize operation 'braid.rms_norm'}}
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%x : memref<?x48xf32>) {eps = 1.0e-5}
  return
}
