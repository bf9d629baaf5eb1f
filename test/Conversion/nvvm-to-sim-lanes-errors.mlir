// RUN: braid-opt %s --nvvm-to-sim --split-input-file --verify-diagnostics

gpu.module @sm_80 {
  llvm.func @largest(%v: i32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for sums of i32}}
    %max = nvvm.redux.sync max %v, %v : i32 -> i32
    llvm.return
  }
}

// -----

gpu.module @sm_80 {
  llvm.func @wide(%v: i64, %mask: i32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for `any` of i32}}
    %same = nvvm.match.sync any %mask, %v : i64 -> i32
    llvm.return
  }
}
