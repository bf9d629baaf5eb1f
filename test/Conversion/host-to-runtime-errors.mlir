// RUN: braid-opt %s --host-to-runtime -verify-diagnostics

func.func @not_emitted(%x: memref<?x48xf32>, %w: memref<48xf32>) {
  // expected-error @+1 {{failed to legalize operation 'braid.rms_norm'}}
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%x : memref<?x48xf32>) {eps = 1.0e-5}
  return
}
