// RUN: braid-opt %s --emit-cpu-kernels | FileCheck %s --implicit-check-not=outs(
// RUN: sed -e 's/"vector", lanes = 8, rows = 2/"reference", lanes = 1, rows = 1/' %s | braid-opt --lower-to-reference | FileCheck %s --check-prefix=REF --implicit-check-not=outs( --implicit-check-not=vector.
// RUN: braid-opt %s --braid-device-phase | FileCheck %s --check-prefix=LLVM
// RUN: sed -e 's/"vector", lanes = 8, rows = 2/"reference", lanes = 1, rows = 1/' %s | braid-opt --braid-device-phase | FileCheck %s --check-prefix=LLVM

// Every compute op of the kernel phase has an emitter, and a definition as plain
// loops; both come down to the LLVM dialect.

// LLVM: llvm.func
// LLVM-NOT: func.func
// LLVM-NOT: scf.for
// LLVM-NOT: unrealized_conversion_cast

// CHECK-LABEL: func.func private @gather_rows(
// CHECK: braid.parallel
// REF-LABEL: func.func private @gather_rows(
// REF: scf.for
func.func private @gather_rows(%step: !braid.context, %ids: memref<?xi32>, %table: memref<300x72xbf16>, %y: memref<?x72xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.gather_rows ins(%ids, %table : memref<?xi32>, memref<300x72xbf16>) outs(%y : memref<?x72xf32>)
  return
}

// CHECK-LABEL: func.func private @gated_norm(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @gated_norm(
func.func private @gated_norm(%step: !braid.context, %x: memref<?x64xbf16>, %w: memref<64xf32>, %z: memref<?x64xbf16>, %y: memref<?x64xbf16>) attributes {braid.kernel = 1 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.rms_norm ins(%x, %w : memref<?x64xbf16>, memref<64xf32>) gate(%z : memref<?x64xbf16>) outs(%y : memref<?x64xbf16>) {eps = 1.0e-5, groups = 2}
  return
}

// CHECK-LABEL: func.func private @causal_conv(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @causal_conv(
func.func private @causal_conv(%step: !braid.context, %x: memref<?x96xbf16>, %w: memref<4x96xf32>, %b: memref<96xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x96xbf16>, %pool: memref<6x?x3x96xbf16>) attributes {braid.kernel = 2 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.causal_conv ins(%x, %w : memref<?x96xbf16>, memref<4x96xf32>) bias(%b : memref<96xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x96xbf16>, memref<6x?x3x96xbf16>)
  return
}

// CHECK-LABEL: func.func private @ssd_scan(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @ssd_scan(
func.func private @ssd_scan(%step: !braid.context, %x: memref<?x256xf32>, %dt: memref<?x8xf32>, %a: memref<8xf32>, %b: memref<?x32xf32>, %c: memref<?x32xf32>, %d: memref<8xf32>, %bias: memref<8xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x256xf32>, %pool: memref<6x?x8x16x32xf32>) attributes {braid.kernel = 3 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.ssd_scan ins(%x, %dt, %a, %b, %c, %d, %bias : memref<?x256xf32>, memref<?x8xf32>, memref<8xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<8xf32>, memref<8xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x256xf32>, memref<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1}
  return
}

// CHECK-LABEL: func.func private @attention(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @attention(
func.func private @attention(%step: !braid.context, %q: memref<?x128xf32>, %k: memref<?x64xf32>, %v: memref<?x64xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x128xf32>, %ks: memref<3x?x2x?x32xf32>, %vs: memref<3x?x2x?x32xf32>) attributes {braid.kernel = 4 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.attention ins(%q, %k, %v : memref<?x128xf32>, memref<?x64xf32>, memref<?x64xf32>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x128xf32>, memref<3x?x2x?x32xf32>, memref<3x?x2x?x32xf32>) {scale = 0.5}
  return
}

// CHECK-LABEL: func.func private @route(
// REF-LABEL: func.func private @route(
func.func private @route(%step: !braid.context, %logits: memref<?x16xf32>, %bias: memref<16xf32>, %i: memref<?x4xi32>, %w: memref<?x4xf32>) attributes {braid.kernel = 5 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.route ins(%logits, %bias : memref<?x16xf32>, memref<16xf32>) outs(%i, %w : memref<?x4xi32>, memref<?x4xf32>) {groups = 4, group_k = 2, normalise, scale = 2.5}
  return
}

// CHECK-LABEL: func.func private @group_rows(
// REF-LABEL: func.func private @group_rows(
func.func private @group_rows(%step: !braid.context, %ids: memref<?x4xi32>, %o: memref<?x4xi32>, %b: memref<17xi32>, %a: memref<17xi32>) attributes {braid.kernel = 6 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.group_rows ins(%ids : memref<?x4xi32>) outs(%o, %b, %a : memref<?x4xi32>, memref<17xi32>, memref<17xi32>)
  return
}

// CHECK-LABEL: func.func private @grouped_contract(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @grouped_contract(
func.func private @grouped_contract(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<16x2x48x32x1xf32>, %o: memref<?x4xi32>, %b: memref<17xi32>, %a: memref<17xi32>, %y: memref<?x4x64xf32>) attributes {braid.kernel = 7 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.packed_contract ins(%x, %w : memref<?x48xf32>, memref<16x2x48x32x1xf32>) grouped(%o, %b, %a : memref<?x4xi32>, memref<17xi32>, memref<17xi32>) gather outs(%y : memref<?x4x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func.func private @combine_experts(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @combine_experts(
func.func private @combine_experts(%step: !braid.context, %parts: memref<?x4x64xf32>, %w: memref<?x4xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 8 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.combine_experts ins(%parts, %w : memref<?x4x64xf32>, memref<?x4xf32>) outs(%y : memref<?x64xf32>)
  return
}

// CHECK-LABEL: func.func private @sample(
// CHECK: vector<8xf32>
// REF-LABEL: func.func private @sample(
func.func private @sample(%step: !braid.context, %logits: memref<?x257xf32>, %t: memref<?xf32>, %k: memref<?xi32>, %ids: memref<?xi32>) attributes {braid.kernel = 10 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.sample ins(%logits, %t, %k : memref<?x257xf32>, memref<?xf32>, memref<?xi32>) outs(%ids : memref<?xi32>)
  return
}

// CHECK-LABEL: func.func private @tap(
// REF-LABEL: func.func private @tap(
func.func private @tap(%step: !braid.context, %x: memref<?x64xbf16>, %layer: index, %dump: memref<?x?x64xf32>) attributes {braid.kernel = 9 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.tap ins(%x : memref<?x64xbf16>) layer(%layer) outs(%dump : memref<?x?x64xf32>)
  return
}
