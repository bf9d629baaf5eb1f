// RUN: braid-opt %s --emit-gpu-kernels --canonicalize | FileCheck %s --implicit-check-not=outs(

// More than 8 rows: 128 x 256 outputs a block if that gives 64 blocks, tiles for
// mma.sync if not. Host code describes the rows of x.
// CHECK-LABEL: func.func private @dense_sm_90a(
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<?x328xbf16, strided<[336, 1], offset: 8>>
// CHECK: %[[ROWS:.*]] = memref.dim
// CHECK: arith.cmpi sle, %[[ROWS]], %c8
// CHECK: %[[UP:.*]] = arith.addi %[[ROWS]], %c127
// CHECK: %[[TILES:.*]] = arith.divui %[[UP]], %c128
// CHECK: %[[BLOCKS:.*]] = arith.muli %[[TILES]], %c2
// CHECK: %[[FEW:.*]] = arith.cmpi slt, %[[BLOCKS]], %c64
// CHECK: scf.if %[[FEW]] {
// CHECK:   nvvm.mma.sync
// CHECK: } else {
// CHECK:   %[[MAP:.*]] = braid.tensor_map %[[X]] rows 128
// Four tiles, of 16 KiB, and eight mbarriers. A thread has 128 sums.
// CHECK:   gpu.launch blocks(%{{.*}}, %[[TILE:.*]], %{{.*}}) in (%{{.*}} = %c2, {{.*}}) threads({{.*}}) in (%{{.*}} = %c256,{{.*}} dynamic_shared_memory_size %c65792_i32
// CHECK:   %[[FIRST:.*]] = arith.muli %[[TILE]], %c128
// CHECK: scf.if
// CHECK-COUNT-4: nvvm.mbarrier.init
// CHECK:   nvvm.fence.mbarrier.init
// CHECK: gpu.barrier
// One thread asks for four of the six tiles.
// CHECK: scf.if
// CHECK: nvvm.mbarrier.arrive.expect_tx %[[FULL:.*]], %c16384_i32
// CHECK: %[[SOURCE:.*]] = builtin.unrealized_conversion_cast %[[MAP]]
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.*}}, %[[SOURCE]], %[[FULL]], box[%c0_i32, %{{.*}}]
// CHECK-COUNT-3: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-NOT:     nvvm.cp.async.bulk.tensor
// 16 bytes of each of eight pairs of inputs.
// CHECK-COUNT-8: vector.load %{{.*}} {alignment = 16 : i64} : memref<9x164x64xbf16>, vector<8xbf16>
// CHECK: scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args
// The next step's come while this one's are multiplied.
// CHECK-COUNT-8: vector.load %{{.*}} {alignment = 16 : i64} : memref<9x164x64xbf16>, vector<8xbf16>
// CHECK: scf.while
// CHECK:   nvvm.mbarrier.try_wait
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-8: llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {$0, $1,
// CHECK-NOT: llvm.inline_asm
// CHECK: nvvm.wgmma.commit.group.sync.aligned
// Of the stages that all warps have left, one takes the next tile.
// CHECK: scf.while
// CHECK:   nvvm.mbarrier.try_wait
// CHECK: nvvm.mbarrier.arrive.expect_tx
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
// CHECK: scf.if
// CHECK:   nvvm.mbarrier.arrive %
// CHECK: scf.yield
// Lanes exchange sums such that each has eight neighbours of a row.
// CHECK-COUNT-4: gpu.shuffle xor
// CHECK: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x264xbf16>, vector<8xbf16>
// CHECK-COUNT-15: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x264xbf16>, vector<8xbf16>
// CHECK-NOT: vector.store
// CHECK: gpu.terminator
// CHECK: } {braid.blocks = 1 : i64, braid.op = "packed_contract", braid.part = "wgmma"
func.func private @dense_sm_90a(%step: !braid.context, %x: memref<?x328xbf16, strided<[336, 1], offset: 8>>, %w: memref<9x164x32x2xbf16>, %y: memref<?x264xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 64]>} {
  braid.packed_contract ins(%x, %w : memref<?x328xbf16, strided<[336, 1], offset: 8>>, memref<9x164x32x2xbf16>) outs(%y : memref<?x264xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.extf %old : bf16 to f32
    %1 = arith.addf %acc, %0 : f32
    %2 = arith.truncf %1 : f32 to bf16
    braid.yield %2 : bf16
  }
  return
}

// Rows of an expert that follow each other: a tile begins at its first one.
// CHECK-LABEL: func.func private @grouped_sm_90a(
// CHECK: %[[XS:.*]] = memref.collapse_shape %{{.*}} : memref<?x3x64xbf16> into memref<?x64xbf16>
// CHECK: %[[MAP:.*]] = braid.tensor_map %[[XS]] rows 64
// CHECK: gpu.launch
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c8192_i32
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK-NOT: nvvm.cp.async.bulk.tensor
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n64k16
func.func private @grouped_sm_90a(%step: !braid.context, %x: memref<?x3x64xbf16>, %w: memref<8x2x32x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<9xi32>, %active: memref<9xi32>, %y: memref<?x3x48xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [64, 256, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x3x64xbf16>, memref<8x2x32x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<9xi32>, memref<9xi32>) outs(%y : memref<?x3x48xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Rows from anywhere: threads copy chunks of 16 bytes, two of 64 rows each, three
// steps ahead; a barrier stands between steps.
// CHECK-LABEL: func.func private @gathered_sm_90a(
// CHECK-NOT: braid.tensor_map
// CHECK: gpu.launch {{.*}} dynamic_shared_memory_size %c32768_i32
// CHECK-COUNT-6: nvgpu.device_async_copy %{{.*}}, 8, %{{.*}} {bypassL1} : memref<?x328xbf16> to memref<4x64x64xbf16, #gpu.address_space<workgroup>>
// CHECK-NOT: nvgpu.device_async_copy
// CHECK: scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args
// CHECK:   nvvm.cp.async.wait.group 2
// CHECK:   nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK:   gpu.barrier
// CHECK-COUNT-2: nvgpu.device_async_copy
// CHECK:   nvvm.cp.async.commit.group
// CHECK:   nvvm.wgmma.fence.aligned
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n64k16
// CHECK:   nvvm.wgmma.wait.group.sync.aligned 0
// CHECK-NOT: nvvm.mbarrier
func.func private @gathered_sm_90a(%step: !braid.context, %x: memref<?x328xbf16>, %w: memref<8x2x164x32x2xbf16>, %order: memref<?x3xi32>, %begin: memref<9xi32>, %active: memref<9xi32>, %y: memref<?x3x48xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [64, 256, 0]>} {
  braid.packed_contract ins(%x, %w : memref<?x328xbf16>, memref<8x2x164x32x2xbf16>) grouped(%order, %begin, %active : memref<?x3xi32>, memref<9xi32>, memref<9xi32>) gather outs(%y : memref<?x3x48xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// Codes become pairs in registers: a word of four FP8 codes is two words of A, one
// load of 16 bytes for each 16 inputs. The last of six steps ends inside.
// CHECK-LABEL: func.func private @coded_sm_90a(
// CHECK: braid.part = "mma64x64"
// CHECK: scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args
// CHECK-COUNT-4: vector.load %{{.*}} {alignment = 16 : i64} : memref<9x85x128xf8E4M3FN>, vector<16xf8E4M3FN>
// CHECK-NOT: vector.load
// CHECK-COUNT-8: arith.mulf %{{.*}} : vector<8xbf16>
// CHECK-NOT: arith.mulf
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// CHECK: nvvm.wgmma.commit.group.sync.aligned
// The scale of an output is in the first row.
// CHECK: vector.load %{{.*}}[%{{.*}}, %c0, %{{.*}}] {{.*}} : memref<9x85x128xf8E4M3FN>
// CHECK: braid.part = "wgmma"
func.func private @coded_sm_90a(%step: !braid.context, %x: memref<?x336xbf16>, %w: memref<9x85x32x4xf8E4M3FN>, %y: memref<?x264xbf16>) attributes {braid.kernel = 9 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 64]>} {
  braid.packed_contract ins(%x, %w : memref<?x336xbf16>, memref<9x85x32x4xf8E4M3FN>) outs(%y : memref<?x264xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// A word of eight NVFP4 codes is for two lanes of a quad. The scales of a step's
// four blocks are one word, from the rows in front: products of codes and scales
// are exact.
// CHECK-LABEL: func.func private @scaled_sm_90a(
// CHECK: braid.part = "mma64x64"
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1 iter_args
// CHECK-COUNT-5: vector.load %{{.*}} {alignment = 16 : i64} : memref<9x37x128xi8>, vector<16xi8>
// CHECK-NOT: vector.load
// CHECK-COUNT-16: arith.mulf %{{.*}} : vector<8xbf16>
// CHECK-NOT: arith.mulf
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// CHECK: braid.part = "wgmma"
func.func private @scaled_sm_90a(%step: !braid.context, %x: memref<?x256xbf16>, %w: memref<9x37x32x4xi8>, %y: memref<?x264xbf16>) attributes {braid.kernel = 8 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [128, 256, 64]>} {
  braid.packed_contract ins(%x, %w : memref<?x256xbf16>, memref<9x37x32x4xi8>) outs(%y : memref<?x264xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}
