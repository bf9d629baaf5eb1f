// RUN: braid-opt %s --nvvm-to-sim | FileCheck %s

// Mbarriers, tiles and wgmma are calls of the simulator. The op that multiplies
// is assembly, known by its text; its sums are announced where anything else
// than another product uses them, after blocks too.
// CHECK-LABEL: llvm.func @sim_sm_90a_tiles(
// CHECK-SAME: %[[SELF:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-COUNT-2: llvm.alloca %{{.*}} x i32
// CHECK: %[[MAP:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK: %[[ONE:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %[[SHARED:.*]], %[[ONE]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32) -> ()
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %[[SHARED]], %[[ONE]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32) -> ()
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %[[SHARED]], %[[MAP]], %[[ONE]], %[[ONE]], %[[SHARED]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i32, i32, !llvm.ptr) -> ()
// CHECK: %[[ZERO:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %[[SHARED]], %[[ZERO]])
// CHECK: llvm.br
// CHECK: %[[DONE:.*]] = llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %[[SHARED]], %[[ONE]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32) -> i32
// CHECK: llvm.trunc %[[DONE]] : i32 to i1
// A fence, four sums and four words, two products of eight columns.
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
// CHECK-NOT: nvvm
// CHECK-NOT: inline_asm
// CHECK: %[[EIGHT:.*]] = llvm.mlir.constant(8 : i32) : i32
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %{{.*}}, %[[EIGHT]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32, i64) -> ()
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
// CHECK: llvm.br
// CHECK: ^bb{{[0-9]+}}(%[[SUM:[0-9]+]]: f32):
// CHECK: %[[NONE:.*]] = llvm.mlir.constant(0 : i64) : i64
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}, %[[NONE]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i64) -> ()
// CHECK: llvm.call %{{.*}}(%[[SELF]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
// CHECK: llvm.fadd %[[SUM]], %[[SUM]]
gpu.module @sm_90a {
  llvm.mlir.global external @braid_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @tiles(%map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant, llvm.align = 64 : i64}, %one: i32, %w: i32, %b: i64, %f: f32, %to: !llvm.ptr<1>) attributes {braid.kernel, nvvm.kernel} {
    %s = llvm.mlir.addressof @braid_shared : !llvm.ptr<3>
    %d = llvm.addrspacecast %s : !llvm.ptr<3> to !llvm.ptr<7>
    nvvm.mbarrier.init %s, %one : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    %t0 = nvvm.mbarrier.arrive.expect_tx %s, %one : !llvm.ptr<3>, i32 -> i64
    nvvm.cp.async.bulk.tensor.shared.cluster.global %d, %map, %s, box[%one, %one] : !llvm.ptr<7>, !llvm.ptr
    %t1 = nvvm.mbarrier.arrive %s : !llvm.ptr<3> -> i64
    llvm.br ^wait
  ^wait:
    %done = nvvm.mbarrier.try_wait %s, %one : !llvm.ptr<3>, i32 -> i1
    llvm.cond_br %done, ^go, ^wait
  ^go:
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.wgmma.fence.aligned
    %r = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, p, 1, 1, 0; }", "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l,~{memory}" %f, %f, %f, %f, %w, %w, %w, %w, %b : (f32, f32, f32, f32, i32, i32, i32, i32, i64) -> !llvm.struct<(f32, f32, f32, f32)>
    %e0 = llvm.extractvalue %r[0] : !llvm.struct<(f32, f32, f32, f32)>
    %e1 = llvm.extractvalue %r[1] : !llvm.struct<(f32, f32, f32, f32)>
    %q = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, p, 1, 1, 0; }", "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l,~{memory}" %e0, %e1, %e0, %e1, %w, %w, %w, %w, %b : (f32, f32, f32, f32, i32, i32, i32, i32, i64) -> !llvm.struct<(f32, f32, f32, f32)>
    %g = llvm.extractvalue %q[3] : !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    llvm.br ^end(%g : f32)
  ^end(%sum: f32):
    nvvm.wgmma.wait.group.sync.aligned 0
    %twice = llvm.fadd %sum, %sum : f32
    llvm.store %twice, %to : f32, !llvm.ptr<1>
    llvm.return
  }
}
