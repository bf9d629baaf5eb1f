// RUN: braid-opt %s --form-kernels | FileCheck %s

// Block functions keep nothing but calls, and the layer's number is an operand:
// it does not make a kernel of its own.
// CHECK-LABEL: func.func private @a(
// CHECK-NEXT: call @a_norm(%arg0, %arg1)
// CHECK-NEXT: call @a_in_proj(
// CHECK-NEXT: return
func.func private @a(%x: memref<?x48xf32>, %w: memref<48xf32>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) {
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%x : memref<?x48xf32>) {eps = 1.0e-5} loc("norm")
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("product"("mixer.in_proj"))
  return
}

// The same norm: the first kernel of that text serves both.
// CHECK-LABEL: func.func private @b(
// CHECK-NEXT: call @a_norm(%arg0, %arg1)
// CHECK-NEXT: return
func.func private @b(%x: memref<?x48xf32>, %w: memref<48xf32>) {
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%x : memref<?x48xf32>) {eps = 1.0e-5} loc("norm")
  return
}

// Another eps is another kernel. A preparation function is no block.
// CHECK-LABEL: func.func private @c(
// CHECK-NEXT: call @c_norm(%arg0, %arg1)
func.func private @c(%x: memref<?x48xf32>, %w: memref<48xf32>) {
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%x : memref<?x48xf32>) {eps = 1.0e-6} loc("norm")
  return
}

// CHECK-LABEL: func.func private @a_norm(
// CHECK-SAME: attributes {braid.kernel = 0 : i64}
// CHECK-NEXT: braid.rms_norm
// CHECK-SAME: eps = 1.000000e-05
// CHECK-NEXT: return
// CHECK-LABEL: func.func private @a_in_proj(
// CHECK-SAME: attributes {braid.kernel = 1 : i64}
// CHECK-NEXT: braid.packed_contract
// CHECK-LABEL: func.func private @c_norm(
// CHECK-SAME: attributes {braid.kernel = 2 : i64}
// CHECK-NEXT: braid.rms_norm
// CHECK-SAME: eps = {{9.99|1.0}}
