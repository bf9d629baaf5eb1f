// RUN: braid-opt %s --nvvm-to-sim --split-input-file --verify-diagnostics

gpu.module @sm_90a {
  llvm.func @assembly(%f: f32, %w: i32, %b: i64) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation}}
    %r = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, p, 1, 1, 1; }", "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l,~{memory}" %f, %f, %f, %f, %w, %w, %w, %w, %b : (f32, f32, f32, f32, i32, i32, i32, i32, i64) -> !llvm.struct<(f32, f32, f32, f32)>
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @token(%s: !llvm.ptr<3>, %to: !llvm.ptr) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation if its result is used}}
    %t = nvvm.mbarrier.arrive %s : !llvm.ptr<3> -> i64
    llvm.store %t, %to : i64, !llvm.ptr
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @count(%s: !llvm.ptr<3>, %n: i32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for one arrival}}
    %t = nvvm.mbarrier.arrive %s, %n : !llvm.ptr<3> -> i64
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @state(%s: !llvm.ptr<3>, %state: i64) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for a parity}}
    %done = nvvm.mbarrier.try_wait %s, %state : !llvm.ptr<3>, i64 -> i1
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @line(%d: !llvm.ptr<7>, %map: !llvm.ptr, %s: !llvm.ptr<3>, %x: i32) attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for tiles of two dimensions, for one block, without a predicate}}
    nvvm.cp.async.bulk.tensor.shared.cluster.global %d, %map, %s, box[%x] : !llvm.ptr<7>, !llvm.ptr
    llvm.return
  }
}

// -----

gpu.module @sm_90a {
  llvm.func @proxy() attributes {braid.kernel} {
    // expected-error @+1 {{has no simulation but for shared memory}}
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async>}
    llvm.return
  }
}
