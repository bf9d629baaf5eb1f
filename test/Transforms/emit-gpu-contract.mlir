// RUN: braid-opt %s --emit-gpu-kernels --canonicalize | FileCheck %s --implicit-check-not=outs(

// Few rows: host code chooses the kernel for 1, 2, 4 or 8 of them. 322 panels
// are enough blocks: each takes one, a lane four outputs of four pairs in a row
// (K = 2688 = 10 turns of 8 warps x 16 pairs, two of them at once, and a part).
// CHECK-LABEL: func.func private @gemv_sm_90a(
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[PANELS:.*]] = arith.constant 322 : index
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK: %[[ONE:.*]] = arith.cmpi sle, %[[ROWS]], %[[C1]] : index
// CHECK: scf.if %[[ONE]] {
// CHECK:   gpu.launch blocks({{.*}}) in (%{{.*}} = %[[PANELS]], %{{.*}} = %[[ROWS]], {{.*}}) threads({{.*}}) in (%{{.*}} = %c256,
// CHECK:     scf.for %{{.*}} = %c0 to %c1280 step %c256
// CHECK-COUNT-8: vector.load %{{.*}} {alignment = 16 : i64} : memref<322x1344x64xbf16>, vector<8xbf16>
// CHECK-COUNT-2: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x2688xbf16>, vector<8xbf16>
// CHECK-NOT:     vector.load
// CHECK:         math.fma {{.*}} : vector<4xf32>
// The last turn is not there for all lanes.
// CHECK:     %[[EXISTS:.*]] = arith.cmpi slt, %{{.*}}, %c1344
// CHECK:     scf.if %[[EXISTS]]
// CHECK-COUNT-4: vector.load %{{.*}} memref<322x1344x64xbf16>, vector<8xbf16>
// Lanes are added, then warps.
// CHECK-COUNT-8: gpu.shuffle xor
// CHECK:     vector.store %{{.*}} : memref<8x1x32xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// CHECK:     gpu.barrier
// CHECK-COUNT-8: memref.load %{{.*}} : memref<8x1x32xf32, #gpu.address_space<workgroup>>
// The epilogue: the bias of a column, the residual of a row.
// CHECK:     vector.load %{{.*}} : memref<10304xf32>, vector<1xf32>
// CHECK:     vector.load %{{.*}} : memref<?x10304xbf16>, vector<1xbf16>
// CHECK:     vector.store %{{.*}} : memref<?x10304xbf16>, vector<1xbf16>
// CHECK: } else {
// CHECK:   arith.cmpi sle, %[[ROWS]], %c2
// CHECK:   arith.cmpi sle, %[[ROWS]], %c4
// CHECK:   arith.cmpi sle, %[[ROWS]], %c8
// With 8 rows registers are for sums: one turn at once.
// CHECK:     scf.for %{{.*}} = %c0 to %c1280 step %c128
// CHECK:     vector.store %{{.*}} : memref<8x8x32xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// More rows: tiles.
// CHECK: } else {
// CHECK:   gpu.launch blocks({{.*}}) in (%{{.*}} = %c161, {{.*}}) threads({{.*}}) in (%{{.*}} = %c256,
// CHECK:     memref<16x68xf32, #gpu.address_space<workgroup>>
func.func private @gemv_sm_90a(%step: !braid.context, %x: memref<?x2688xbf16>, %w: memref<322x1344x32x2xbf16>, %bias: memref<10304xf32>, %y: memref<?x10304xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  braid.packed_contract ins(%x, %w : memref<?x2688xbf16>, memref<322x1344x32x2xbf16>) extras(%bias : memref<10304xf32>) outs(%y : memref<?x10304xbf16>) {
  ^bb0(%acc: f32, %b: f32, %old: bf16):
    %0 = arith.addf %acc, %b : f32
    %1 = arith.extf %old : bf16 to f32
    %2 = arith.addf %1, %0 : f32
    %3 = arith.truncf %2 : f32 to bf16
    braid.yield %3 : bf16
  }
  return
}

// Few panels: a block takes a quarter of one. K = 88 is less than a turn; a
// router's weights are f32, one k at once.
// CHECK-LABEL: func.func private @gate_sm_90a(
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c13, {{.*}}) threads
// CHECK-NOT: arith.shli
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<4x88x32xf32>, vector<4xf32>
// CHECK: vector.load %{{.*}} {alignment = 8 : i64} : memref<?x88xbf16>, vector<4xbf16>
func.func private @gate_sm_90a(%step: !braid.context, %x: memref<?x88xbf16>, %w: memref<4x88x32x1xf32>, %y: memref<?x100xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  braid.packed_contract ins(%x, %w : memref<?x88xbf16>, memref<4x88x32x1xf32>) outs(%y : memref<?x100xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// Grouped: as many experts as there can be, of which those without rows leave;
// rows of x through the order, y at the sorted place. An expert's only row has
// its own code.
// CHECK-LABEL: func.func private @up_sm_90a(
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK: %[[ALL:.*]] = arith.muli %[[ROWS]], %c3
// CHECK: %[[MOST:.*]] = arith.minsi %[[ALL]], %c8
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c6, %{{.*}} = %[[MOST]], {{.*}}) threads
// CHECK: %[[ACTIVE:.*]] = memref.load %{{.*}}[%c0] : memref<9xi32>
// CHECK: arith.cmpi slt
// CHECK: scf.if
// CHECK-COUNT-3: memref.load %{{.*}} : memref<9xi32>
// CHECK: memref.load %{{.*}} : memref<?xi32>
// CHECK: vector.load %{{.*}} : memref<8x2x16x64xbf16>, vector<8xbf16>
// CHECK: vector.store %{{.*}} : memref<?x48xbf16>, vector<1xbf16>
// CHECK: gpu.barrier
func.func private @up_sm_90a(%step: !braid.context, %x: memref<?x32xbf16>, %w: memref<8x2x16x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<9xi32>, %active: memref<9xi32>, %y: memref<?x3x48xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  braid.packed_contract ins(%x, %w : memref<?x32xbf16>, memref<8x2x16x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<9xi32>, memref<9xi32>) gather outs(%y : memref<?x3x48xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// f32: one kernel for any number of rows, 64 x 64 outputs a block, K ascending.
// The loads of a step are under way while the one before is multiplied.
// CHECK-LABEL: func.func private @tiles_sm_90a(
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK-NOT: scf.if
// CHECK: %[[UP:.*]] = arith.addi %[[ROWS]], %c63
// CHECK: %[[TILES:.*]] = arith.divui %[[UP]], %c64
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c2, %{{.*}} = %[[TILES]], {{.*}}) threads({{.*}}) in (%{{.*}} = %c256,
// CHECK: scf.for %{{.*}} = %c0 to %c72 step %c16 iter_args
// CHECK: memref.store %{{.*}} : memref<16x68xf32, #gpu.address_space<workgroup>>
// CHECK: vector.store %{{.*}} : memref<16x68xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// CHECK: gpu.barrier
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x72xf32>, vector<4xf32>
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<3x72x32xf32>, vector<4xf32>
// CHECK-COUNT-64: math.fma {{.*}} : vector<4xf32>
// CHECK-NOT: math.fma
// CHECK: gpu.barrier
// The outputs end at 90: two can be stored at once.
// CHECK: vector.store %{{.*}} {alignment = 8 : i64} : memref<?x90xf32>, vector<2xf32>
func.func private @tiles_sm_90a(%step: !braid.context, %x: memref<?x72xf32>, %w: memref<3x72x32x1xf32>, %y: memref<?x90xf32>) attributes {braid.kernel = 3 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 256, blocks = 2>} {
  braid.packed_contract ins(%x, %w : memref<?x72xf32>, memref<3x72x32x1xf32>) outs(%y : memref<?x90xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
