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

// Weights of another kind want another schedule, which is the op's affair.
// CHECK-LABEL: func.func private @e(
// CHECK-NEXT: call @e_gate_up(
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

// A norm goes with the contractions whose input it is, even if others read it as
// well; not with one that writes what the norm reads.
// CHECK-LABEL: func.func private @f(
// CHECK-NEXT: memref.alloc
// CHECK-NEXT: call @f_q_k(
// CHECK-NEXT: call @f_norm(
// CHECK-NEXT: return
func.func private @f(%h: memref<?x48xf32>, %w: memref<48xf32>, %p: memref<1x48x32x1xf32>, %y: memref<?x32xf32>, %z: memref<?x32xf32>, %o: memref<?x48xf32>, %n: index) {
  %u = memref.alloc(%n) : memref<?x48xf32>
  braid.rms_norm ins(%h, %w : memref<?x48xf32>, memref<48xf32>) outs(%u : memref<?x48xf32>) {eps = 1.0e-5} loc("mixer.norm")
  braid.packed_contract ins(%u, %p : memref<?x48xf32>, memref<1x48x32x1xf32>) outs(%y : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.q_proj")
  braid.packed_contract ins(%u, %p : memref<?x48xf32>, memref<1x48x32x1xf32>) outs(%z : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.k_proj")
  braid.rms_norm ins(%u, %w : memref<?x48xf32>, memref<48xf32>) outs(%o : memref<?x48xf32>) {eps = 1.0e-5} loc("mixer.norm")
  return
}
// CHECK-LABEL: func.func private @writes(
// CHECK-NEXT: memref.alloc
// CHECK-NEXT: call @f_norm(
// CHECK-NEXT: call @writes_down(
func.func private @writes(%h: memref<?x48xf32>, %w: memref<48xf32>, %p: memref<2x48x32x1xf32>, %n: index) {
  %u = memref.alloc(%n) : memref<?x48xf32>
  braid.rms_norm ins(%h, %w : memref<?x48xf32>, memref<48xf32>) outs(%u : memref<?x48xf32>) {eps = 1.0e-5} loc("mixer.norm")
  braid.packed_contract ins(%u, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%h : memref<?x48xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.down")
  return
}

// Experts: what sorts the rows goes with what chose, one contraction of as many
// rows goes with the second of the experts, and the sum over them with the
// contraction that reads it.
// CHECK-LABEL: func.func private @moe(
// CHECK: call @moe_route_group(
// CHECK: call @moe_routed_up(
// CHECK: call @moe_routed_down_shared_down(
// CHECK: call @moe_combine_fc2(
// CHECK-NEXT: return
func.func private @moe(%l: memref<?x4xf32>, %bias: memref<4xf32>, %i: memref<?x2xi32>, %s: memref<?x2xf32>, %o: memref<?x2xi32>, %b: memref<5xi32>, %a: memref<5xi32>, %x: memref<?x32xf32>, %p: memref<4x1x32x32x1xf32>, %q: memref<1x32x32x1xf32>, %n: index, %h: memref<?x32xf32>) {
  braid.route ins(%l, %bias : memref<?x4xf32>, memref<4xf32>) outs(%i, %s : memref<?x2xi32>, memref<?x2xf32>) {scale = 1.0}
  braid.group_rows ins(%i : memref<?x2xi32>) outs(%o, %b, %a : memref<?x2xi32>, memref<5xi32>, memref<5xi32>)
  %u = memref.alloc(%n) : memref<?x2x32xf32>
  %d = memref.alloc(%n) : memref<?x2x32xf32>
  %e = memref.alloc(%n) : memref<?x32xf32>
  %f = memref.alloc(%n) : memref<?x32xf32>
  %y = memref.alloc(%n) : memref<?x32xf32>
  braid.packed_contract ins(%x, %p : memref<?x32xf32>, memref<4x1x32x32x1xf32>) grouped(%o, %b, %a : memref<?x2xi32>, memref<5xi32>, memref<5xi32>) gather outs(%u : memref<?x2x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("routed")
  braid.packed_contract ins(%u, %p : memref<?x2x32xf32>, memref<4x1x32x32x1xf32>) grouped(%o, %b, %a : memref<?x2xi32>, memref<5xi32>, memref<5xi32>) outs(%d : memref<?x2x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("routed")
  braid.packed_contract ins(%e, %q : memref<?x32xf32>, memref<1x32x32x1xf32>) outs(%f : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.shared_experts.down_proj")
  braid.combine_experts ins(%d, %s : memref<?x2x32xf32>, memref<?x2xf32>) outs(%y : memref<?x32xf32>)
  braid.packed_contract ins(%y, %q : memref<?x32xf32>, memref<1x32x32x1xf32>) extras(%f : memref<?x32xf32>) outs(%h : memref<?x32xf32>) {
  ^bb0(%acc: f32, %other: f32, %old: f32):
    %sum = arith.addf %acc, %other : f32
    braid.yield %sum : f32
  } loc("mixer.fc2_latent_proj")
  return
}

// As an addend the sum over experts is computed where it is added, so that no
// one else may read it; and a contraction of other rows stays alone.
// CHECK-LABEL: func.func private @plain(
// CHECK: call @plain_combine_shared_down(
// CHECK-LABEL: func.func private @read(
// CHECK: call @read_combine_experts(
// CHECK: call @read_shared_experts_down_proj(
// CHECK-LABEL: func.func private @others(
// CHECK: call @others_routed_down(
// CHECK: call @read_shared_experts_down_proj(
func.func private @plain(%d: memref<?x2x32xf32>, %s: memref<?x2xf32>, %x: memref<?x32xf32>, %q: memref<1x32x32x1xf32>, %h: memref<?x32xf32>, %n: index) {
  %y = memref.alloc(%n) : memref<?x32xf32>
  braid.combine_experts ins(%d, %s : memref<?x2x32xf32>, memref<?x2xf32>) outs(%y : memref<?x32xf32>)
  braid.packed_contract ins(%x, %q : memref<?x32xf32>, memref<1x32x32x1xf32>) extras(%y : memref<?x32xf32>) outs(%h : memref<?x32xf32>) {
  ^bb0(%acc: f32, %other: f32, %old: f32):
    %sum = arith.addf %acc, %other : f32
    braid.yield %sum : f32
  } loc("mixer.shared_experts.down_proj")
  return
}
func.func private @read(%d: memref<?x2x32xf32>, %s: memref<?x2xf32>, %x: memref<?x32xf32>, %q: memref<1x32x32x1xf32>, %h: memref<?x32xf32>, %n: index, %hidden: memref<?x?x32xf32>) {
  %c0 = arith.constant 0 : index
  %y = memref.alloc(%n) : memref<?x32xf32>
  braid.combine_experts ins(%d, %s : memref<?x2x32xf32>, memref<?x2xf32>) outs(%y : memref<?x32xf32>)
  braid.packed_contract ins(%x, %q : memref<?x32xf32>, memref<1x32x32x1xf32>) extras(%y : memref<?x32xf32>) outs(%h : memref<?x32xf32>) {
  ^bb0(%acc: f32, %other: f32, %old: f32):
    %sum = arith.addf %acc, %other : f32
    braid.yield %sum : f32
  } loc("mixer.shared_experts.down_proj")
  braid.tap ins(%y : memref<?x32xf32>) layer(%c0) outs(%hidden : memref<?x?x32xf32>)
  return
}
func.func private @others(%u: memref<?x2x32xf32>, %p: memref<4x1x32x32x1xf32>, %o: memref<?x2xi32>, %b: memref<5xi32>, %a: memref<5xi32>, %d: memref<?x2x32xf32>, %x: memref<?x32xf32>, %q: memref<1x32x32x1xf32>, %y: memref<?x32xf32>, %f: memref<?x32xf32>) {
  braid.packed_contract ins(%u, %p : memref<?x2x32xf32>, memref<4x1x32x32x1xf32>) grouped(%o, %b, %a : memref<?x2xi32>, memref<5xi32>, memref<5xi32>) outs(%d : memref<?x2x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("routed")
  braid.packed_contract ins(%x, %q : memref<?x32xf32>, memref<1x32x32x1xf32>) extras(%y : memref<?x32xf32>) outs(%f : memref<?x32xf32>) {
  ^bb0(%acc: f32, %other: f32, %old: f32):
    %sum = arith.addf %acc, %other : f32
    braid.yield %sum : f32
  } loc("mixer.shared_experts.down_proj")
  return
}

// A convolution goes with the contraction that makes its input, if it is the only
// one and nothing else could write there.
// CHECK-LABEL: func.func private @conv(
// CHECK: call @conv_in_proj(
// CHECK-NEXT: return
// CHECK-LABEL: func.func private @elsewhere(
// CHECK-NEXT: call @a_in_proj(
// CHECK-NEXT: call @elsewhere_conv1d(
// CHECK-LABEL: func.func private @two(
// CHECK: call @two_in_x(
// CHECK: call @two_conv1d(
func.func private @conv(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %n: index, %w: memref<4x32xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x32xf32>, %pool: memref<2x?x3x32xf32>) {
  %u = memref.alloc(%n) : memref<?x64xf32>
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%u : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.in_proj")
  %v = memref.subview %u[0, 32] [%n, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1], offset: 32>>
  braid.causal_conv ins(%v, %w : memref<?x32xf32, strided<[64, 1], offset: 32>>, memref<4x32xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x32xf32>, memref<2x?x3x32xf32>) loc("mixer.conv1d")
  return
}
func.func private @elsewhere(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %n: index, %w: memref<4x64xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x64xf32>, %pool: memref<2x?x3x64xf32>, %u: memref<?x64xf32>) {
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%u : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.in_proj")
  braid.causal_conv ins(%u, %w : memref<?x64xf32>, memref<4x64xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x64xf32>, memref<2x?x3x64xf32>) loc("mixer.conv1d")
  return
}
func.func private @two(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %n: index, %w: memref<4x32xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x32xf32>, %pool: memref<2x?x3x32xf32>, %z: memref<?x64xf32>) {
  %u = memref.alloc(%n) : memref<?x64xf32>
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%z : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.in_proj")
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%u : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } loc("mixer.x_proj")
  %v = memref.subview %u[0, 32] [%n, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1], offset: 32>>
  braid.causal_conv ins(%v, %w : memref<?x32xf32, strided<[64, 1], offset: 32>>, memref<4x32xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x32xf32>, memref<2x?x3x32xf32>) loc("mixer.conv1d")
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

// Each says why it has its ops.
// CHECK: func.func private @f_q_k({{.*}} {braid.fused = ["norm: input of q_proj", "k_proj: same input as q_proj"], braid.kernel
// CHECK-NEXT: braid.rms_norm
// CHECK-NEXT: braid.packed_contract
// CHECK: func.func private @moe_route_group({{.*}} {braid.fused = ["group_rows: sorts what route chose"]
// CHECK: func.func private @moe_routed_down_shared_down({{.*}} {braid.fused = ["shared_experts.down_proj: independent of routed_down"]
// CHECK: func.func private @moe_combine_fc2({{.*}} {braid.fused = ["combine_experts: input of fc2_latent_proj"]
// CHECK: func.func private @plain_combine_shared_down({{.*}} {braid.fused = ["combine_experts: only shared_experts.down_proj adds it"]
// CHECK: func.func private @conv_in_proj({{.*}} {braid.fused = ["conv1d: columns of in_proj"]
// CHECK-NEXT: braid.packed_contract
// CHECK: braid.causal_conv
