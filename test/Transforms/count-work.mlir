// RUN: braid-opt %s --count-work | FileCheck %s

func.func @step(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>, %pool: memref<2x?x8x16x32xf32>) {
  call @first(%x) : (memref<?x48xf32>) -> ()
  call @block(%x, %p, %y) : (memref<?x48xf32>, memref<2x48x32x1xf32>, memref<?x64xf32>) -> ()
  call @block(%x, %p, %y) : (memref<?x48xf32>, memref<2x48x32x1xf32>, memref<?x64xf32>) -> ()
  call @head(%x, %p, %y) : (memref<?x48xf32>, memref<2x48x32x1xf32>, memref<?x64xf32>) -> ()
  call @proj(%x, %p, %y) : (memref<?x48xf32>, memref<2x48x32x1xf32>, memref<?x64xf32>) -> ()
  return
}
func.func private @block(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) {
  call @proj(%x, %p, %y) : (memref<?x48xf32>, memref<2x48x32x1xf32>, memref<?x64xf32>) -> ()
  return
}

// Called by both layers and behind them; a multiply-add is two FLOPs.
// CHECK-LABEL: func.func private @proj(
// CHECK-SAME: braid.work = {calls = 3 : i64, {{.*}}flops = 6144 : i64, op = "packed_contract", outputs = false, row_bytes = 448 : i64, sequence_bytes = 0 : i64, weight_bytes = 12288 : i64}
func.func private @proj(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64} {
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// The step's own kernels: those in front of the layers have all rows,
// CHECK-LABEL: func.func private @first(
// CHECK-SAME: outputs = false
func.func private @first(%x: memref<?x48xf32>) attributes {braid.kernel = 3 : i64} {
  return
}

// those behind them only the rows that want logits.
// CHECK-LABEL: func.func private @head(
// CHECK-SAME: calls = 1 : i64
// CHECK-SAME: outputs = true
func.func private @head(%x: memref<?x48xf32>, %p: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64} {
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// Of a stack: FLOPs of the four choices of a row, bytes of one expert; beside it
// what belongs to all rows.
// CHECK-LABEL: func.func private @experts(
// CHECK-SAME: braid.work = {calls = 0 : i64, choices = 4 : i64, {{.*}}expert_bytes = 12288 : i64, experts = 16 : i64, flops = 30720 : i64, op = "packed_contract", outputs = false, row_bytes = {{[0-9]+}} : i64, sequence_bytes = 0 : i64, weight_bytes = 12288 : i64}
func.func private @experts(%x: memref<?x48xf32>, %p: memref<16x2x48x32x1xf32>, %o: memref<?x4xi32>, %b: memref<17xi32>, %y: memref<?x4x64xf32>, %q: memref<2x48x32x1xf32>, %z: memref<?x64xf32>) attributes {braid.kernel = 2 : i64} {
  braid.packed_contract ins(%x, %p : memref<?x48xf32>, memref<16x2x48x32x1xf32>) grouped(%o, %b, %b : memref<?x4xi32>, memref<17xi32>, memref<17xi32>) gather outs(%y : memref<?x4x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  braid.packed_contract ins(%x, %q : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%z : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
