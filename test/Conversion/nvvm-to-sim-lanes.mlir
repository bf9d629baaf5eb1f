// RUN: braid-opt %s --nvvm-to-sim | FileCheck %s

// What lanes of a warp find out together: their sum, and who has the same value.
// CHECK-LABEL: llvm.func @sim_sm_80_lanes
// CHECK: %[[V:.*]] = llvm.load
// CHECK: %[[SUM:.*]] = llvm.call %{{.*}}(%arg0, %{{.*}}, %[[ALL:.*]], %[[V]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32, i32) -> i32
// CHECK: llvm.call %{{.*}}(%arg0, %{{.*}}, %[[ALL]], %[[SUM]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32, i32) -> i32
gpu.module @sm_80 {
  llvm.func @lanes(%v: i32, %to: !llvm.ptr<1>) attributes {braid.kernel} {
    %all = llvm.mlir.constant(-1 : i32) : i32
    %sum = nvvm.redux.sync add %v, %all : i32 -> i32
    %same = nvvm.match.sync any %all, %sum : i32 -> i32
    llvm.store %same, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
