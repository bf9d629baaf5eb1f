// RUN: braid-opt %s --nvvm-to-sim -verify-diagnostics -split-input-file

module attributes {gpu.container_module} {
  gpu.module @sm_90a {
    llvm.func @k() attributes {braid.kernel = 0 : i64, nvvm.kernel} {
      // Nothing is left out silently.
      // expected-error @+1 {{has no simulation}}
      nvvm.griddepcontrol wait
      llvm.return
    }
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.module @sm_90a {
    // expected-error @+1 {{@helper is not a kernel: device code calls nothing}}
    llvm.func @helper() {
      llvm.return
    }
  }
}
