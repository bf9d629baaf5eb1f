// RUN: braid-opt %s --separate-destinations | FileCheck %s

// What two ops write into is one value no longer; what is written over for good
// stays.
// CHECK-LABEL: func.func @two(
// CHECK-NEXT: %[[A:[0-9]+]] = tensor.empty(%arg2)
// CHECK-NEXT: %[[U:.*]] = braid.rms_norm {{.*}} outs(%[[A]]
// CHECK-NEXT: %[[B:[0-9]+]] = tensor.empty(%arg2)
// CHECK-NEXT: %[[V:.*]] = braid.rms_norm ins(%[[U]]{{.*}} outs(%[[B]]
// CHECK-NEXT: %[[W:.*]] = braid.rms_norm ins(%[[V]]{{.*}} outs(%arg0
// CHECK-NEXT: return %[[W]]
func.func @two(%h: tensor<?x64xf32>, %w: tensor<64xf32>, %n: index) -> tensor<?x64xf32> {
  %empty = tensor.empty(%n) : tensor<?x64xf32>
  %u = braid.rms_norm ins(%h, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%empty : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  %v = braid.rms_norm ins(%u, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%empty : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  %r = braid.rms_norm ins(%v, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%h : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}
