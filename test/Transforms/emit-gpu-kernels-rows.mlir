// RUN: braid-opt %s --emit-gpu-kernels --canonicalize --cse | FileCheck %s --implicit-check-not=outs( --implicit-check-not=#braid.gpu_schedule

// Blocks for each row: 128 threads of 8 elements are 1024 of its columns. Table
// and row are read and written 16 bytes at once.
// CHECK-LABEL: func.func private @gather_rows_sm_90a(
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %dim, %{{.*}} = %c3, %{{.*}} = %c1) threads({{.*}}) in (%{{.*}} = %c128, {{.*}} dynamic_shared_memory_size %c0_i32
// CHECK: arith.cmpi slt, %{{.*}}, %c336
// CHECK: memref.load %{{.*}} : memref<?xi32>
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<300x2688xbf16>, vector<8xbf16>
// CHECK: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x2688xbf16>, vector<8xbf16>
func.func private @gather_rows_sm_90a(%step: !braid.context, %ids: memref<?xi32>, %table: memref<300x2688xbf16>, %y: memref<?x2688xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  braid.gather_rows ins(%ids, %table : memref<?xi32>, memref<300x2688xbf16>) outs(%y : memref<?x2688xbf16>)
  return
}

// Nobody asks for a dump: no launch. The caller's f32 are written 16 bytes at
// once, although the distance of two layers is known at run time only.
// CHECK-LABEL: func.func private @tap_sm_90a(
// CHECK: %[[WANTED:.*]] = arith.cmpi sgt, %{{.*}}, %c0
// CHECK-NEXT: scf.if %[[WANTED]] {
// CHECK: gpu.launch
// CHECK: vector.load %{{.*}} {alignment = 8 : i64} : memref<?x64xbf16>, vector<4xbf16>
// CHECK: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x?x64xf32>, vector<4xf32>
func.func private @tap_sm_90a(%step: !braid.context, %x: memref<?x64xbf16>, %layer: index, %hidden: memref<?x?x64xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  braid.tap ins(%x : memref<?x64xbf16>) layer(%layer) outs(%hidden : memref<?x?x64xf32>)
  return
}

// Of few rows a block reads a piece, and a warp takes the best of the pieces;
// of more rows a block reads each. Three loads are under way before the first is
// compared; shared memory has a score and an id of each warp.
// CHECK-LABEL: func.func private @sample_sm_90a(
// CHECK: arith.cmpi sle, %{{.*}}, %c8
// CHECK: gpu.launch {{.*}} in (%{{.*}} = %{{.*}}, %{{.*}} = %c4,
// CHECK-COUNT-3: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x2048xf32>, vector<4xf32>
// CHECK: arith.cmpf
// CHECK: gpu.barrier
// CHECK: {{.*}}braid.part = "pieces"
// CHECK: gpu.launch {{.*}} threads{{.*}} in (%{{.*}} = %c32,
// CHECK-COUNT-10: gpu.shuffle xor
// CHECK: {{.*}}braid.part = "merge"
// CHECK: } else {
// CHECK: gpu.launch
// CHECK-COUNT-3: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x2048xf32>, vector<4xf32>
// CHECK: gpu.barrier
func.func private @sample_sm_90a(%step: !braid.context, %logits: memref<?x2048xf32>, %t: memref<?xf32>, %k: memref<?xi32>, %ids: memref<?xi32>) attributes {braid.kernel = 7 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 512, blocks = 2>} {
  braid.sample ins(%logits, %t, %k : memref<?x2048xf32>, memref<?xf32>, memref<?xi32>) outs(%ids : memref<?xi32>)
  return
}

// All loads first, then the sum in ascending order, rounded once.
// CHECK-LABEL: func.func private @combine_experts_sm_90a(
// CHECK-COUNT-3: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x3x64xbf16>, vector<8xbf16>
// CHECK: %[[A:.*]] = math.fma %{{.*}}, %{{.*}}, %cst
// CHECK: %[[B:.*]] = math.fma %{{.*}}, %{{.*}}, %[[A]]
// CHECK: %[[C:.*]] = math.fma %{{.*}}, %{{.*}}, %[[B]]
// CHECK: %[[R:.*]] = arith.truncf %[[C]]
// CHECK: vector.store %[[R]], %{{.*}} {alignment = 16 : i64}
func.func private @combine_experts_sm_90a(%step: !braid.context, %parts: memref<?x3x64xbf16>, %w: memref<?x3xf32>, %y: memref<?x64xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  braid.combine_experts ins(%parts, %w : memref<?x3x64xbf16>, memref<?x3xf32>) outs(%y : memref<?x64xbf16>)
  return
}

// A warp per row, each lane with 16 of 512 experts in vectors of 4. The limit is
// searched with one sum over the warp per bit; places come from one more and
// five shuffles. No barrier of a block.
// CHECK-LABEL: func.func private @route_sm_90a(
// CHECK-NOT: gpu.barrier
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %dim,
// CHECK-COUNT-4: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x512xf32>, vector<4xf32>
// CHECK: scf.while
// CHECK: nvvm.redux.sync add
// CHECK: scf.yield
// CHECK: nvvm.redux.sync add
// CHECK-COUNT-5: gpu.shuffle up
// CHECK-COUNT-16: memref.store %{{.*}} : memref<?x22xi32>
// CHECK: nvvm.bar.warp.sync
// CHECK: memref.store %{{.*}} : memref<?x22xf32>
// CHECK-NOT: gpu.barrier
func.func private @route_sm_90a(%step: !braid.context, %logits: memref<?x512xf32>, %bias: memref<512xf32>, %i: memref<?x22xi32>, %w: memref<?x22xf32>) attributes {braid.kernel = 3 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 16>} {
  braid.route ins(%logits, %bias : memref<?x512xf32>, memref<512xf32>) outs(%i, %w : memref<?x22xi32>, memref<?x22xf32>) {normalise, scale = 2.5}
  return
}

// With groups the scores pass through shared memory; lanes without an expert
// have one that is never chosen.
// CHECK-LABEL: func.func private @groups_sm_90a(
// CHECK: scf.if {{.*}} -> (vector<1xf32>)
// CHECK: memref.store %{{.*}} : memref<16xf32, #gpu.address_space<workgroup>>
// CHECK: nvvm.bar.warp.sync
// CHECK: memref.load %{{.*}} : memref<16xf32, #gpu.address_space<workgroup>>
// CHECK: memref.store %{{.*}} : memref<4xf32, #gpu.address_space<workgroup>>
// CHECK: nvvm.bar.warp.sync
// CHECK: memref.load %{{.*}} : memref<4xf32, #gpu.address_space<workgroup>>
// CHECK: memref.store %{{.*}} : memref<4xi32, #gpu.address_space<workgroup>>
// CHECK: nvvm.bar.warp.sync
// CHECK: memref.load %{{.*}} : memref<4xi32, #gpu.address_space<workgroup>>
// CHECK: scf.while
func.func private @groups_sm_90a(%step: !braid.context, %logits: memref<?x16xf32>, %bias: memref<16xf32>, %i: memref<?x4xi32>, %w: memref<?x4xf32>) attributes {braid.kernel = 4 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 16>} {
  braid.route ins(%logits, %bias : memref<?x16xf32>, memref<16xf32>) outs(%i, %w : memref<?x4xi32>, memref<?x4xf32>) {groups = 4, group_k = 2, scale = 1.0}
  return
}

// One block: counters of two warps and 16 experts, a count, two sums, a second
// pass that places. Lanes with the same expert find each other; no atomics.
// CHECK-LABEL: func.func private @group_rows_sm_90a(
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c1, %{{.*}} = %c1, %{{.*}} = %c1) threads({{.*}}) in (%{{.*}} = %c64,
// CHECK-NOT: atomic
// CHECK: memref.store %c0_i32, %[[COUNTS:.*]][{{.*}}] : memref<2x16xi32, #gpu.address_space<workgroup>>
// CHECK: gpu.barrier
// CHECK: nvvm.match.sync any
// CHECK: memref.store %{{.*}}, %[[COUNTS]]
// CHECK: nvvm.bar.warp.sync
// CHECK: gpu.barrier
// CHECK: memref.store %{{.*}} : memref<16xi32, #gpu.address_space<workgroup>>
// CHECK: gpu.barrier
// CHECK-COUNT-10: gpu.shuffle up
// CHECK: memref.store %{{.*}} : memref<17xi32>
// CHECK: gpu.barrier
// CHECK: nvvm.match.sync any
// CHECK: memref.store %{{.*}} : memref<?xi32>
// CHECK: nvvm.bar.warp.sync
// CHECK: memref.store %{{.*}}, %[[COUNTS]]
// CHECK: nvvm.bar.warp.sync
func.func private @group_rows_sm_90a(%step: !braid.context, %ids: memref<?x4xi32>, %o: memref<?x4xi32>, %b: memref<17xi32>, %a: memref<17xi32>) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 64, blocks = 1>} {
  braid.group_rows ins(%ids : memref<?x4xi32>) outs(%o, %b, %a : memref<?x4xi32>, memref<17xi32>, memref<17xi32>)
  return
}
