// RUN: braid-opt %s --nvvm-to-sim | FileCheck %s --implicit-check-not="llvm.load 2 at"

// An error names one op: threads have to meet at one, not at two that read
// alike, and of many loads one is wrong. What a thread does with its own frame
// cannot fail, but is counted.
// CHECK-DAG: "meets: nvvm.barrier0 1\00"
// CHECK-DAG: "meets: nvvm.barrier0 2\00"
// CHECK-DAG: "meets: llvm.load 1 at here\00"
// CHECK-DAG: "meets: llvm.load 3 at here\00"
// CHECK-LABEL: llvm.func @sim_sm_80_meets
// CHECK: llvm.mlir.addressof @[[FIRST:.*]] : !llvm.ptr
// CHECK-NOT: llvm.mlir.addressof @[[FIRST]] :
gpu.module @sm_80 {
  llvm.func @meets(%address: !llvm.ptr<1>) attributes {braid.kernel} {
    %one = llvm.mlir.constant(1 : i64) : i64
    %frame = llvm.alloca %one x i32 : (i64) -> !llvm.ptr
    nvvm.barrier0
    %a = llvm.load %address : !llvm.ptr<1> -> i32 loc("here")
    %b = llvm.load %frame : !llvm.ptr -> i32 loc("here")
    %c = llvm.load %address : !llvm.ptr<1> -> i32 loc("here")
    nvvm.barrier0
    llvm.return
  }
}
