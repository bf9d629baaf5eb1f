// RUN: braid-opt %s --host-to-runtime --reconcile-unrealized-casts | FileCheck %s

// The host code of a GPU's step says which layer the launches that follow belong
// to, each time before it calls a block, and after the last that it is none.
// CHECK-LABEL: llvm.func @braid_step_sm_90a(
// CHECK-NOT: (!llvm.ptr, i64) -> ()
// CHECK: llvm.call @embeddings_sm_90a
// CHECK: %[[FIRST:.*]] = llvm.mlir.constant(0 : i64)
// CHECK: llvm.call %{{.*}}(%{{.*}}, %[[FIRST]]) : !llvm.ptr, (!llvm.ptr, i64) -> ()
// CHECK-NEXT: llvm.call @mamba0_sm_90a
// CHECK: llvm.call @tap_sm_90a
// CHECK: %[[SECOND:.*]] = llvm.mlir.constant(1 : i64)
// CHECK: llvm.call %{{.*}}(%{{.*}}, %[[SECOND]]) : !llvm.ptr, (!llvm.ptr, i64) -> ()
// CHECK-NEXT: llvm.call @mamba0_sm_90a
// CHECK: %[[NONE:.*]] = llvm.mlir.constant(-1 : i64)
// CHECK: llvm.call %{{.*}}(%{{.*}}, %[[NONE]]) : !llvm.ptr, (!llvm.ptr, i64) -> ()
// CHECK-NOT: (!llvm.ptr, i64) -> ()
// CHECK: llvm.return
func.func @step_sm_90a(%step: !braid.context) attributes {braid.target = "sm_90a"} {
  func.call @embeddings_sm_90a(%step) : (!braid.context) -> ()
  func.call @mamba0_sm_90a(%step) : (!braid.context) -> ()
  func.call @tap_sm_90a(%step) : (!braid.context) -> ()
  func.call @mamba0_sm_90a(%step) : (!braid.context) -> ()
  func.call @tap_sm_90a(%step) : (!braid.context) -> ()
  return
}

// The CPU's step says nothing of layers.
// CHECK-LABEL: llvm.func @braid_step(
// CHECK-NOT: (!llvm.ptr, i64) -> ()
// CHECK: llvm.return
func.func @step(%step: !braid.context) {
  func.call @mamba0(%step) : (!braid.context) -> ()
  return
}

func.func private @embeddings_sm_90a(%step: !braid.context) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a"} {
  return
}
func.func private @tap_sm_90a(%step: !braid.context) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a"} {
  return
}
func.func private @mamba0_sm_90a(%step: !braid.context) attributes {braid.target = "sm_90a"} {
  return
}
func.func private @mamba0(%step: !braid.context) {
  return
}
