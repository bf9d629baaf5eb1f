// RUN: braid-opt %s --nvvm-to-sim | FileCheck %s

// Threads have to meet at one op: each has a line of its own, however alike.
// CHECK-DAG: "meets: nvvm.barrier0 1\00"
// CHECK-DAG: "meets: nvvm.barrier0 2\00"
// CHECK-LABEL: llvm.func @sim_sm_80_meets
// CHECK: llvm.mlir.addressof @[[FIRST:.*]] : !llvm.ptr
// CHECK-NOT: llvm.mlir.addressof @[[FIRST]] :
gpu.module @sm_80 {
  llvm.func @meets() attributes {braid.kernel} {
    nvvm.barrier0
    nvvm.barrier0
    llvm.return
  }
}
