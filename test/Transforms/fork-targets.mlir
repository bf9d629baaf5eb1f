// RUN: braid-opt %s --fork-targets=targets=sm_80,sm_90a | FileCheck %s
// RUN: braid-opt %s --fork-targets | FileCheck %s --check-prefix=NONE

// Each target has its copy of the step, and calls stay inside a copy. What
// prepares weights is the same for all devices.

// NONE-NOT: sm_
// NONE-NOT: braid.gpu_targets

// CHECK: module attributes {braid.gpu_targets = ["sm_80", "sm_90a"]}
// CHECK-LABEL: func.func @step(%step: !braid.context) {
// CHECK-NEXT: call @norm(%step)
func.func @step(%step: !braid.context) {
  call @norm(%step) : (!braid.context) -> ()
  return
}

// CHECK-LABEL: func.func private @norm(
// CHECK-NOT: braid.target
func.func private @norm(%step: !braid.context) attributes {braid.kernel = 0 : i64} {
  return
}

// CHECK-LABEL: func.func @braid_prepare_0(
func.func @braid_prepare_0(%source: memref<8xf32>, %dest: memref<8xf32>) attributes {braid.prepare} {
  return
}

// CHECK-LABEL: func.func @step_sm_80(
// CHECK-SAME: attributes {braid.target = "sm_80"}
// CHECK-NEXT: call @norm_sm_80(%step)
// CHECK-LABEL: func.func private @norm_sm_80(
// CHECK-SAME: attributes {braid.kernel = 0 : i64, braid.target = "sm_80"}
// CHECK-LABEL: func.func @step_sm_90a(
// CHECK-NEXT: call @norm_sm_90a(%step)
// CHECK-LABEL: func.func private @norm_sm_90a(
// CHECK-SAME: attributes {braid.kernel = 0 : i64, braid.target = "sm_90a"}
// CHECK-NOT: braid_prepare_0_
