// RUN: braid-opt %s --nvvm-to-sim --split-input-file --verify-diagnostics

gpu.module @sm_80 {
  llvm.func @small(%a: i32, %b: i32, %c: f32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for m16n8k16 of bf16}}
    %d = nvvm.mma.sync A[%a, %a] B[%b] C[%c, %c, %c, %c] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 8>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    llvm.return
  }
}

// -----

gpu.module @sm_100a {
  llvm.func @bytes(%row: !llvm.ptr<3>) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for 8 x 8 elements of 16 bits}}
    %a = nvvm.ldmatrix %row {num = 1 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 16, n = 16>, eltType = #nvvm.ld_st_matrix_elt_type<b8>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32)>
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @elect() attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation}}
    nvvm.setmaxregister increase 240
    llvm.return
  }
}

// -----

// Memory that nothing would announce.
gpu.module @sm_90a {
  llvm.func @atomic(%p: !llvm.ptr<1>, %v: i32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation}}
    %0 = llvm.atomicrmw add %p, %v monotonic : !llvm.ptr<1>, i32
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @copy(%p: !llvm.ptr<1>, %n: i64) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation}}
    "llvm.intr.memcpy"(%p, %p, %n) <{isVolatile = false}> : (!llvm.ptr<1>, !llvm.ptr<1>, i64) -> ()
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @part(%number: i32, %threads: i32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation: expected all threads of the block}}
    nvvm.barrier id = %number number_of_threads = %threads
    llvm.return
  }
}
