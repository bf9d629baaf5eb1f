// RUN: braid-opt %s --emit-gpu-kernels --canonicalize --split-input-file | FileCheck %s --implicit-check-not=outs(

// The input of one row is a norm: each block computes it for itself, in shared
// memory, from where lanes read it. The first block also writes it to where
// others may read it.
// CHECK-LABEL: func.func private @norm_sm_90a(
// CHECK: %[[ONE:.*]] = arith.cmpi sle, %{{.*}}, %c1{{.*}} : index
// CHECK: scf.if %[[ONE]] {
// CHECK-NOT: gpu.launch
// CHECK:   gpu.launch blocks({{.*}}) in (%{{.*}} = %c128,
// Sums of squares: 64 vectors are two warps' share of the norm's own launch.
// CHECK:     vector.load %arg0{{.*}} : memref<?x512xbf16>, vector<8xbf16>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK:     memref.store %{{.*}} : memref<2xf32, #gpu.address_space<workgroup>>
// CHECK:     gpu.barrier
// CHECK-COUNT-2: memref.load %{{.*}} : memref<2xf32, #gpu.address_space<workgroup>>
// CHECK:     math.sqrt
// CHECK:     memref.store %{{.*}} : memref<1xf32, #gpu.address_space<workgroup>>
// CHECK:     gpu.barrier
// Rounded as the op does.
// CHECK:     memref.load %{{.*}} : memref<1xf32, #gpu.address_space<workgroup>>
// CHECK:     arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:     %[[ROUNDED:.*]] = arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:     vector.store %[[ROUNDED]], %{{.*}} : memref<1x512xbf16, #gpu.address_space<workgroup>>, vector<8xbf16>
// CHECK:     scf.if
// CHECK:       vector.store %{{.*}}, %arg2{{.*}} : memref<?x512xbf16>, vector<8xbf16>
// CHECK:     gpu.barrier
// CHECK-COUNT-8: vector.load %{{.*}} memref<128x256x64xbf16>
// CHECK:     vector.load %{{.*}} : memref<1x512xbf16, #gpu.address_space<workgroup>>
// CHECK-NOT: memref<?x512xbf16>
// CHECK:   braid.part = "gemv1"
// CHECK:   braid.part = "gemv8"
// Of many rows the norm is a launch of its own, with its own schedule.
// CHECK: } else {
// CHECK:   gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c64,
// CHECK:   vector.store %{{.*}}, %arg2
// CHECK:   } {braid.blocks = 4 : i64, braid.op = "rms_norm", braid.part = "norm", braid.strategy = "simt"}
// CHECK:   braid.part = "mma64x64"
// CHECK:   braid.part = "mma128x128"
func.func private @norm_sm_90a(%step: !braid.context, %h: memref<?x512xbf16>, %s: memref<512xf32>, %u: memref<?x512xbf16>, %w: memref<128x256x32x2xbf16>, %y: memref<?x4096xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [128, 128, 128]>} {
  braid.rms_norm ins(%h, %s : memref<?x512xbf16>, memref<512xf32>) outs(%u : memref<?x512xbf16>) {eps = 1.0e-5, braid.schedule = #braid.gpu_schedule<"simt", threads = 64, blocks = 4>}
  braid.packed_contract ins(%u, %w : memref<?x512xbf16>, memref<128x256x32x2xbf16>) outs(%y : memref<?x4096xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

// Eight rows of 8192 do not fit into the shared memory of every target: the norm
// is a launch before that of the contraction. Four do.
// CHECK-LABEL: func.func private @wide_sm_90a(
// CHECK: memref<4x8192xbf16, #gpu.address_space<workgroup>>
// CHECK: braid.part = "gemv4"
// CHECK-NOT: memref<8x8192xbf16
// CHECK: braid.part = "norm"
// CHECK: braid.part = "gemv8"
// CHECK: braid.part = "norm"
// CHECK: braid.part = "tiles"
func.func private @wide_sm_90a(%step: !braid.context, %h: memref<?x8192xbf16>, %s: memref<8192xf32>, %u: memref<?x8192xbf16>, %w: memref<32x4096x32x2xbf16>, %y: memref<?x1024xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  braid.rms_norm ins(%h, %s : memref<?x8192xbf16>, memref<8192xf32>) outs(%u : memref<?x8192xbf16>) {eps = 1.0e-5, braid.schedule = #braid.gpu_schedule<"simt", threads = 512, blocks = 2>}
  braid.packed_contract ins(%u, %w : memref<?x8192xbf16>, memref<32x4096x32x2xbf16>) outs(%y : memref<?x1024xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

// The sum over experts as input: its parts in order, rounded, in shared memory.
// Contractions of one input are members of one launch.
// CHECK-LABEL: func.func private @combine_sm_90a(
// CHECK: gpu.launch
// CHECK-COUNT-2: vector.load %arg0{{.*}} : memref<?x2x64xbf16>, vector<8xbf16>
// CHECK-COUNT-2: math.fma
// CHECK: vector.store %{{.*}} : memref<1x64xbf16, #gpu.address_space<workgroup>>, vector<8xbf16>
// CHECK: vector.store %{{.*}}, %arg2
// CHECK: gpu.barrier
// CHECK: } {braid.blocks = 2 : i64, braid.member = 0 : i64, braid.op = "packed_contract", braid.part = "gemv1", braid.strategy = "gemv"}
// CHECK: gpu.launch
// CHECK-NOT: vector.store %{{.*}}, %arg2
// CHECK: } {braid.blocks = 2 : i64, braid.member = 1 : i64, braid.op = "packed_contract", braid.part = "gemv1", braid.strategy = "gemv"}
// CHECK: } {braid.blocks = 2 : i64, braid.op = "combine_experts", braid.part = "combine", braid.strategy = "simt"}
// CHECK: braid.member = 0 : i64, braid.op = "packed_contract", braid.part = "tiles"
// CHECK: braid.member = 1 : i64, braid.op = "packed_contract", braid.part = "tiles"
func.func private @combine_sm_90a(%step: !braid.context, %parts: memref<?x2x64xbf16>, %s: memref<?x2xf32>, %x: memref<?x64xbf16>, %w: memref<1x32x32x2xbf16>, %y: memref<?x32xf32>, %z: memref<?x32xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  braid.combine_experts ins(%parts, %s : memref<?x2x64xbf16>, memref<?x2xf32>) outs(%x : memref<?x64xbf16>) {braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>}
  braid.packed_contract ins(%x, %w : memref<?x64xbf16>, memref<1x32x32x2xbf16>) outs(%y : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  braid.packed_contract ins(%x, %w : memref<?x64xbf16>, memref<1x32x32x2xbf16>) outs(%z : memref<?x32xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// -----

// As an addend it is computed where it is added: rounded, and never written.
// CHECK-LABEL: func.func private @added_sm_90a(
// CHECK: gpu.launch
// CHECK: gpu.barrier
// CHECK-COUNT-2: vector.load %arg0{{.*}} : memref<?x2x32xbf16>, vector<1xbf16>
// CHECK: arith.truncf %{{.*}} : vector<1xf32> to vector<1xbf16>
// CHECK-NOT: %arg2
// CHECK: braid.part = "gemv1"
// CHECK: braid.part = "combine"
// CHECK: vector.load %arg2
// CHECK: braid.part = "tiles"
func.func private @added_sm_90a(%step: !braid.context, %parts: memref<?x2x32xbf16>, %s: memref<?x2xf32>, %r: memref<?x32xbf16>, %x: memref<?x64xbf16>, %w: memref<1x32x32x2xbf16>, %y: memref<?x32xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"gemv", threads = 256, blocks = 2>} {
  braid.combine_experts ins(%parts, %s : memref<?x2x32xbf16>, memref<?x2xf32>) outs(%r : memref<?x32xbf16>) {braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>}
  braid.packed_contract ins(%x, %w : memref<?x64xbf16>, memref<1x32x32x2xbf16>) extras(%r : memref<?x32xbf16>) outs(%y : memref<?x32xf32>) {
  ^bb0(%acc: f32, %b: bf16, %old: f32):
    %0 = arith.extf %b : bf16 to f32
    %1 = arith.addf %acc, %0 : f32
    braid.yield %1 : f32
  }
  return
}

// -----

// Few rows: a warp for each chooses, then the block sorts.
// CHECK-LABEL: func.func private @route_sm_90a(
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c8
// CHECK: scf.if %[[FEW]] {
// CHECK:   gpu.launch blocks({{.*}}) in (%{{.*}} = %c1, %{{.*}} = %c1, {{.*}}) threads({{.*}}) in (%{{.*}} = %c512,
// CHECK:     scf.for
// CHECK:       nvvm.redux.sync
// CHECK:       memref.store %{{.*}}, %arg2
// CHECK:       memref.store %{{.*}}, %arg3
// CHECK:     gpu.barrier
// CHECK:     nvvm.match.sync
// CHECK:     memref.store %{{.*}}, %arg5
// CHECK:   } {braid.blocks = 1 : i64, braid.op = "group_rows", braid.strategy = "simt"}
// CHECK: } else {
// CHECK:   gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c32,
// CHECK:   braid.part = "route"
// CHECK:   gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c512,
// CHECK:   braid.part = "group"
func.func private @route_sm_90a(%step: !braid.context, %l: memref<?x16xf32>, %bias: memref<16xf32>, %i: memref<?x4xi32>, %s: memref<?x4xf32>, %o: memref<?x4xi32>, %b: memref<17xi32>, %a: memref<17xi32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 512, blocks = 1>} {
  braid.route ins(%l, %bias : memref<?x16xf32>, memref<16xf32>) outs(%i, %s : memref<?x4xi32>, memref<?x4xf32>) {scale = 1.0, braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 16>}
  braid.group_rows ins(%i : memref<?x4xi32>) outs(%o, %b, %a : memref<?x4xi32>, memref<17xi32>, memref<17xi32>)
  return
}

// -----

// Of few rows a block convolves the columns that it has written, behind a barrier:
// those of the channels, for each sequence. Of many rows that is a launch of its
// own.
// CHECK-LABEL: func.func private @conv_sm_90a(
// CHECK:   gpu.launch
// CHECK:     vector.store %{{.*}}, %arg2{{.*}} : memref<?x320xbf16>
// CHECK:     gpu.barrier
// CHECK:     scf.for
// CHECK:       arith.cmpi sge, %{{.*}}, %c64
// CHECK:       arith.cmpi slt, %{{.*}}, %c256
// CHECK:       scf.if
// CHECK:         vector.load %{{.*}} : memref<6x?x3x192xbf16>, vector<8xbf16>
// CHECK:         vector.load %arg3{{.*}} : memref<?x192xbf16, strided<[320, 1], offset: 64>>, vector<8xbf16>
// CHECK:         vector.store %{{.*}}, %arg{{.*}} : memref<?x192xbf16>, vector<8xbf16>
// CHECK:         vector.store %{{.*}} : memref<6x?x3x192xbf16>, vector<8xbf16>
// CHECK:   braid.part = "gemv1"
// CHECK-NOT: braid.part = "conv
// CHECK:   braid.part = "gemv8"
// CHECK:   braid.part = "mma128x128"
// CHECK:   braid.op = "causal_conv", braid.part = "conv_step"
// CHECK:   braid.op = "causal_conv", braid.part = "conv_runs"
func.func private @conv_sm_90a(%step: !braid.context, %x: memref<?x512xbf16>, %w: memref<10x256x32x2xbf16>, %u: memref<?x320xbf16>, %v: memref<?x192xbf16, strided<[320, 1], offset: 64>>, %taps: memref<4x192xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x192xbf16>, %pool: memref<6x?x3x192xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [128, 128, 128]>} {
  braid.packed_contract ins(%x, %w : memref<?x512xbf16>, memref<10x256x32x2xbf16>) outs(%u : memref<?x320xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %rounded = arith.truncf %acc : f32 to bf16
    braid.yield %rounded : bf16
  }
  braid.causal_conv ins(%v, %taps : memref<?x192xbf16, strided<[320, 1], offset: 64>>, memref<4x192xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x192xbf16>, memref<6x?x3x192xbf16>) {braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 4>}
  return
}
