// RUN: braid-opt %s --emit-gpu-kernels --canonicalize | FileCheck %s --implicit-check-not=outs(

// More than 8 rows: 128 x 128 outputs a block if that gives 128 blocks.
// CHECK-LABEL: func.func private @dense_sm_90a(
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK: arith.cmpi sle, %[[ROWS]], %c8
// CHECK: %[[UP:.*]] = arith.addi %[[ROWS]], %c127
// CHECK: %[[TILES:.*]] = arith.divui %[[UP]], %c128
// CHECK: %[[BLOCKS:.*]] = arith.muli %[[TILES]], %c3
// CHECK: %[[FEW:.*]] = arith.cmpi slt, %[[BLOCKS]], %c128
// CHECK: scf.if %[[FEW]] {
// CHECK:   gpu.launch blocks({{.*}}) in (%{{.*}} = %c5, {{.*}}) threads({{.*}}) in (%{{.*}} = %c128,{{.*}} dynamic_shared_memory_size %c32768_i32
// CHECK: } else {
// CHECK:   gpu.launch blocks({{.*}}) in (%{{.*}} = %c3, {{.*}}) threads({{.*}}) in (%{{.*}} = %c128,{{.*}} dynamic_shared_memory_size %c49152_i32

// Two steps of three under way: of x four chunks a thread, by the rows there
// are and, since 72 is no multiple of 32, by the inputs there are; of W a chunk
// of each of the four panels, by inputs and panels (9 of 12).
// CHECK-COUNT-4: nvgpu.device_async_copy %{{.*}}, 8, %{{.*}} {bypassL1} : memref<?x72xbf16, strided<[80, 1], offset: 8>> to memref<3x128x32xbf16, #gpu.address_space<workgroup>>
// CHECK-COUNT-4: nvgpu.device_async_copy %{{.*}}, 8, %{{.*}} {bypassL1} : memref<9x36x64xbf16> to memref<3x4x16x64xbf16, #gpu.address_space<workgroup>>
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-8: nvgpu.device_async_copy
// CHECK-NOT:     nvgpu.device_async_copy
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args
// CHECK:   nvvm.cp.async.wait.group 1
// CHECK:   gpu.barrier
// CHECK-COUNT-8: nvgpu.device_async_copy
// CHECK:   nvvm.cp.async.commit.group
// A warp takes 64 x 64 outputs: four ldmatrix and four vectors of W for 32 mma.
// CHECK-COUNT-4: nvgpu.ldmatrix {{.*}}numTiles = 4 : i32, transpose = false
// CHECK-COUNT-4: vector.load %{{.*}} {alignment = 16 : i64} : memref<3x4x16x64xbf16, #gpu.address_space<workgroup>>, vector<8xbf16>
// CHECK-COUNT-32: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK:   nvgpu.ldmatrix
// CHECK-COUNT-32: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK:   scf.yield
// The epilogue takes eight neighbours at once.
// CHECK-COUNT-16: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x264xbf16>, vector<8xbf16>
// CHECK-NOT: vector.store
func.func private @dense_sm_90a(%step: !braid.context, %x: memref<?x72xbf16, strided<[80, 1], offset: 8>>, %w: memref<9x36x32x2xbf16>, %y: memref<?x264xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [128, 128, 128]>} {
  braid.packed_contract ins(%x, %w : memref<?x72xbf16, strided<[80, 1], offset: 8>>, memref<9x36x32x2xbf16>) outs(%y : memref<?x264xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.extf %old : bf16 to f32
    %1 = arith.addf %acc, %0 : f32
    %2 = arith.truncf %1 : f32 to bf16
    braid.yield %2 : bf16
  }
  return
}

// Grouped: a block a tile. At most one tile of each expert is not full; which
// expert a tile belongs to, lanes count. Rows of 20 lie at multiples of 8 bytes.
// CHECK-LABEL: func.func private @grouped_sm_90a(
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK: arith.cmpi sle, %[[ROWS]], %c8
// CHECK: %[[PLACES:.*]] = arith.muli %[[ROWS]], %c3
// CHECK: %[[FULL:.*]] = arith.divui %[[PLACES]], %c64
// CHECK: %[[EXPERTS:.*]] = arith.minsi %[[PLACES]], %c8
// CHECK: %[[ALL:.*]] = arith.addi %[[FULL]], %[[EXPERTS]]
// CHECK: gpu.launch blocks({{.*}}, %[[TILE:.*]], %{{.*}}) in (%{{.*}} = %c1, %{{.*}} = %[[ALL]],
// CHECK: %[[ACTIVE:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: scf.for %[[WHICH:.*]] = %{{.*}} to %[[ACTIVE]] step %c32
// CHECK:   arith.divui %{{.*}}, %c64
// CHECK:   arith.addi %{{.*}}, %[[WHICH]]
// CHECK:   arith.cmpi sle, %{{.*}}, %[[TILE]]
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: scf.if
// CHECK: memref.load %{{.*}} : memref<?xi32>
// CHECK: nvgpu.device_async_copy %{{.*}}, 4, %{{[^{]*}} : memref<?x20xbf16>
// CHECK: nvgpu.device_async_copy %{{.*}}, 8, %{{.*}} {bypassL1} : memref<8x2x10x64xbf16>
func.func private @grouped_sm_90a(%step: !braid.context, %x: memref<?x20xbf16>, %w: memref<8x2x10x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<9xi32>, %active: memref<9xi32>, %y: memref<?x3x48xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x20xbf16>, memref<8x2x10x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<9xi32>, memref<9xi32>) gather outs(%y : memref<?x3x48xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Codes. Few rows: a lane takes blocks of 16 inputs, in vectors of four words of
// four rows. More: they pass through shared memory as they are stored, two panels
// at once, and one vector becomes the registers of eight mma.
// CHECK-LABEL: func.func private @coded_sm_90a(
// CHECK: gpu.launch
// CHECK-COUNT-4: vector.load %{{.*}} {alignment = 16 : i64} : memref<3x25x128xf8E4M3FN>, vector<16xf8E4M3FN>
// CHECK-COUNT-2: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x96xbf16>, vector<8xbf16>
// CHECK-COUNT-8: arith.mulf {{.*}} : vector<8xbf16>
// CHECK: vector.load %{{.*}} {alignment = 4 : i64} : memref<3x25x128xf8E4M3FN>, vector<4xf8E4M3FN>
// CHECK: arith.mulf {{.*}} : vector<1xf32>
// CHECK: dynamic_shared_memory_size %c24576_i32
// CHECK: nvgpu.device_async_copy %{{.*}}, 16, %{{.*}} {bypassL1} : memref<3x25x128xf8E4M3FN> to memref<4x2x8x128xf8E4M3FN, #gpu.address_space<workgroup>>
// CHECK: nvvm.cp.async.wait.group 2
// CHECK: nvgpu.ldmatrix
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<4x2x8x128xf8E4M3FN, #gpu.address_space<workgroup>>, vector<16xf8E4M3FN>
// CHECK-COUNT-2: arith.mulf {{.*}} : vector<8xbf16>
// CHECK-COUNT-8: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: nvgpu.ldmatrix
func.func private @coded_sm_90a(%step: !braid.context, %x: memref<?x96xbf16>, %w: memref<3x25x32x4xf8E4M3FN>, %y: memref<?x72xbf16>) attributes {braid.kernel = 4 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x96xbf16>, memref<3x25x32x4xf8E4M3FN>) outs(%y : memref<?x72xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Codes with scales of blocks: two rows and one of scales for 16 inputs; through
// shared memory four and one for a step. Eight rows are two tiles of four.
// CHECK-LABEL: func.func private @blocks_sm_90a(
// CHECK: gpu.launch
// CHECK-COUNT-3: vector.load %{{.*}} {alignment = 16 : i64} : memref<3x15x128xi8>, vector<16xi8>
// CHECK: memref<8x4x8xf32, #gpu.address_space<workgroup>>
// CHECK-NOT: memref<8x8x8xf32
// CHECK: nvgpu.device_async_copy %{{.*}}, 16, %{{.*}} {bypassL1} : memref<3x15x128xi8> to memref<4x2x5x128xi8, #gpu.address_space<workgroup>>
// CHECK: nvgpu.ldmatrix
// CHECK-COUNT-2: vector.load %{{.*}} {alignment = 16 : i64} : memref<4x2x5x128xi8, #gpu.address_space<workgroup>>, vector<16xi8>
// CHECK-COUNT-8: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: nvgpu.ldmatrix
func.func private @blocks_sm_90a(%step: !braid.context, %x: memref<?x96xbf16>, %w: memref<3x15x32x4xi8>, %y: memref<?x72xbf16>) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [64, 64, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x96xbf16>, memref<3x15x32x4xi8>) outs(%y : memref<?x72xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}
