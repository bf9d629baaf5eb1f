// RUN: braid-opt %s --nvvm-to-sim | FileCheck %s

// What an error says of its place is a string of the module.
// CHECK-DAG: llvm.mlir.global internal constant @[[LOAD:site_[0-9]+]]("sim_sm_90a_k: llvm.load at x\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[STORE:site_[0-9]+]]("sim_sm_90a_k: llvm.store\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[SHUFFLE:site_[0-9]+]]("sim_sm_90a_k: nvvm.shfl.sync\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[BARRIER:site_[0-9]+]]("sim_sm_90a_k: nvvm.barrier0\00")
module attributes {gpu.container_module} {
  // The kernel itself stays as it is: this is what becomes PTX.
  // CHECK: gpu.module @sm_90a {
  // CHECK: nvvm.barrier0
  gpu.module @sm_90a {
    llvm.mlir.global external @braid_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
    llvm.func @k(%x: !llvm.ptr, %n: i64) attributes {braid.kernel = 3 : i64, braid.shared_bytes = 128 : i64, braid.threads = 64 : i64, nvvm.kernel} {
      %shared = llvm.mlir.addressof @braid_shared : !llvm.ptr<3>
      %c1 = llvm.mlir.constant(1 : i32) : i32
      %all = llvm.mlir.constant(-1 : i32) : i32
      %lanes = llvm.mlir.constant(31 : i32) : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %b = nvvm.read.ptx.sreg.ctaid.x : i32
      %at = llvm.add %t, %b : i32
      %address = llvm.getelementptr %x[%at] : (!llvm.ptr, i32) -> !llvm.ptr, f32
      %v = llvm.load %address : !llvm.ptr -> f32 loc("x")
      %w = nvvm.shfl.sync bfly %all, %v, %c1, %lanes : f32 -> f32
      llvm.store %w, %shared : f32, !llvm.ptr<3>
      nvvm.barrier0
      %h = llvm.fptrunc %w : f32 to bf16
      llvm.store %h, %x : bf16, !llvm.ptr
      llvm.return
    }
  }
}

// A simulated thread gets what it is and where its parameters are. It announces
// what it touches first; other NVVM ops are calls. Memory has one address space.
// CHECK: llvm.func @sim_sm_90a_k(%[[SELF:.*]]: !llvm.ptr, %[[PARAMETERS:.*]]: !llvm.ptr) {
// CHECK-NOT: nvvm.
// CHECK-NOT: ptr<3>
// CHECK: llvm.getelementptr %[[PARAMETERS]][0]
// CHECK: %[[X:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK: %[[ADDRESS:.*]] = llvm.getelementptr %[[X]][%{{.*}}]
// CHECK: %[[AT:.*]] = llvm.mlir.addressof @[[LOAD]] :
// CHECK: llvm.call %{{.*}}(%[[SELF]], %[[AT]], %[[ADDRESS]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i32) -> ()
// CHECK-NEXT: %[[V:.*]] = llvm.load %[[ADDRESS]] : !llvm.ptr -> f32
// CHECK: llvm.bitcast %[[V]] : f32 to i32
// CHECK: llvm.mlir.addressof @[[SHUFFLE]]
// CHECK: llvm.call {{.*}} -> i64
// CHECK: llvm.mlir.addressof @[[STORE]]
// CHECK: llvm.call
// CHECK-NEXT: llvm.store
// CHECK: llvm.mlir.addressof @[[BARRIER]]
// CHECK-NEXT: llvm.call

// Rounding to bf16 is integer arithmetic: not every CPU has an instruction.
// CHECK-NOT: llvm.fptrunc
// CHECK: llvm.mlir.addressof @[[STORE]]
// CHECK: llvm.return
