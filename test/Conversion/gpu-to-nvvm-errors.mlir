// RUN: braid-opt %s --pass-pipeline='builtin.module(gpu.module(gpu-to-nvvm))' -verify-diagnostics -split-input-file

module attributes {gpu.container_module} {
  gpu.module @sm_90a {
    // A launch passes 8 bytes for a value.
    // expected-error @+1 {{cannot be passed a value of type 'f32'}}
    gpu.func @number(%x: f32) kernel attributes {braid.kernel = 0 : i64, braid.threads = 1 : i64, braid.shared_bytes = 0 : i64} {
      gpu.return
    }
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.module @sm_90a {
    gpu.func @not_emitted(%x: memref<?x48xf32>, %w: memref<48xf32>) kernel attributes {braid.kernel = 0 : i64, braid.threads = 1 : i64, braid.shared_bytes = 0 : i64} {
      // expected-error @+1 {{failed to legalize operation 'braid.rms_norm'}}
      braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%x : memref<?x48xf32>) {eps = 1.0e-5 : f64}
      gpu.return
    }
  }
}
