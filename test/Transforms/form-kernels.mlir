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

// Contractions of one input are one kernel, called where the last one was; one
// that adds to what another one has written is not among them.
// CHECK-LABEL: func.func private @d(
// CHECK-NEXT: memref.alloc
// CHECK-NEXT: call @d_q_v(%arg0, %arg1, %arg2, %arg3, %{{.*}})
// CHECK-NEXT: call @d_sum(
// CHECK-NEXT: return
func.func private @d(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>, %q: memref<1x48x32x1xf32>, %n: index) {
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.q")
  %z = memref.alloc(%n) : memref<?x32xf32>
  braid.packed_contract ins(%x, %q : memref<?x48xf32>, memref<1x48x32x1xf32>) outs(%z : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.v")
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    %sum = arith.addf %acc, %old : f32
    braid.yield %sum : f32
  } loc("mixer.sum")
  return
}

// Views of the buffer count as the buffer.
// CHECK-LABEL: func.func private @views(
// CHECK: call @views_q(
// CHECK-NEXT: call @views_v(
func.func private @views(%x: memref<?x48xf32>, %p: memref<1x48x32x1xf32>, %y: memref<?x64xf32>, %n: index) {
  %left = memref.subview %y[0, 0] [%n, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1]>>
  %all = memref.subview %y[0, 16] [%n, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1], offset: 16>>
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<1x48x32x1xf32>) outs(%left : memref<?x32xf32, strided<[64, 1]>>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.q")
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<1x48x32x1xf32>) outs(%all : memref<?x32xf32, strided<[64, 1], offset: 16>>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.v")
  return
}

// Weights of another kind want another schedule.
// CHECK-LABEL: func.func private @e(
// CHECK-NEXT: call @e_gate(
// CHECK-NEXT: call @e_up(
// CHECK-NEXT: return
func.func private @e(%x: memref<?x48xbf16>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>, %q: memref<1x24x32x2xbf16>, %z: memref<?x32xf32>) {
  braid.packed_contract ins(%x, %p : memref<?x48xbf16>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.gate")
  braid.packed_contract ins(%x, %q : memref<?x48xbf16>, memref<1x24x32x2xbf16>) outs(%z : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.up")
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
// CHECK-LABEL: func.func private @d_q_v(
// CHECK-COUNT-2: braid.packed_contract
// CHECK-NOT: braid.packed_contract
// CHECK: return
