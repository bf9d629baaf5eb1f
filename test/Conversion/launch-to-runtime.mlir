// RUN: braid-opt %s --host-to-runtime --reconcile-unrealized-casts | FileCheck %s

// The step of a GPU target is exported beside the CPU's. A launch is described
// on the stack and handed to the runtime's second service: the kernel's number,
// its grid, and for each parameter a value and the bytes behind it.

module attributes {braid.gpu_targets = ["sm_90a"], gpu.container_module} {
  // CHECK: llvm.func @braid_step(
  func.func @step(%step: !braid.context) {
    return
  }
  // CHECK: llvm.func @braid_step_sm_90a(
  func.func @step_sm_90a(%step: !braid.context) attributes {braid.target = "sm_90a"} {
    %n = arith.constant 7 : index
    call @fill_sm_90a(%step, %n) : (!braid.context, index) -> ()
    return
  }
  // CHECK: llvm.func @fill_sm_90a(%[[STEP:.*]]: !llvm.ptr, %[[N:.*]]: i64)
  // CHECK-DAG: %[[SEVEN:.*]] = llvm.mlir.constant(1 : i64) : i64
  // CHECK-DAG: llvm.alloca %{{.*}} x !llvm.array<7 x i64>
  // CHECK-COUNT-2: llvm.alloca %{{.*}} x !llvm.array<4 x i64>
  // CHECK: llvm.call %{{.*}}(%{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
  // CHECK-NOT: malloc
  func.func private @fill_sm_90a(%step: !braid.context, %n: index) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a"} {
    %c1 = arith.constant 1 : index
    %bytes = arith.constant 0 : i32
    %x = braid.step_view %step "ids" : memref<?xi32>
    gpu.launch_func @sm_90a::@fill blocks in (%n, %c1, %c1) threads in (%c1, %c1, %c1) dynamic_shared_memory_size %bytes args(%step : !braid.context, %x : memref<?xi32>, %n : index)
    return
  }
  // CHECK: gpu.module @sm_90a
  gpu.module @sm_90a {
    llvm.func @first(%x: !llvm.ptr) attributes {braid.kernel = 4 : i64, gpu.kernel, nvvm.kernel} {
      llvm.return
    }
    llvm.func @fill(%step: !llvm.ptr, %x: !llvm.ptr, %size: i64, %n: i64) attributes {braid.kernel = 5 : i64, gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
}
