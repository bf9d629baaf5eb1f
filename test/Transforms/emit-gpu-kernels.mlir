// RUN: braid-opt %s --emit-gpu-kernels | FileCheck %s --implicit-check-not=outs( --implicit-check-not=#braid.gpu_schedule

// One block of threads for each group of a row; a thread reads 8 elements at
// once, and the sum of squares goes over shuffles and one barrier.
// CHECK-LABEL: func.func private @norm_sm_90a(
// CHECK: %[[ROWS:.*]] = memref.dim %{{.*}}, %{{.*}} : memref<?x1024xf32>
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %[[ROWS]], %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) threads({{.*}}) in (%{{.*}} = %c64{{.*}}) dynamic_shared_memory_size %c128_i32 {
// CHECK: vector.load %{{.*}} {alignment = 32 : i64} : memref<?x1024xf32>, vector<8xf32>
// CHECK: vector.load %{{.*}} {alignment = 32 : i64} : memref<?x1024xf32>, vector<8xf32>
// CHECK-NOT: vector.load %{{.*}} memref<?x1024xf32>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: memref.store %{{.*}} : memref<2xf32, #gpu.address_space<workgroup>>
// CHECK: gpu.barrier
// CHECK-COUNT-2: memref.load %{{.*}} : memref<2xf32, #gpu.address_space<workgroup>>
// CHECK: math.sqrt
// CHECK: arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x1024xbf16>, vector<8xbf16>
// CHECK: } {braid.blocks = 2 : i64, braid.op = "rms_norm", braid.strategy = "simt"}
func.func private @norm_sm_90a(%step: !braid.context, %x: memref<?x1024xf32>, %w: memref<1024xf32>, %y: memref<?x1024xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 64, blocks = 2>} {
  braid.rms_norm ins(%x, %w : memref<?x1024xf32>, memref<1024xf32>) outs(%y : memref<?x1024xbf16>) {eps = 1.0e-5 : f64}
  return
}

// Rows that lie apart, in a view whose offset is even: two at once, and one warp
// needs no barrier. Threads without an element take no part in the loads.
// CHECK-LABEL: func.func private @gated_sm_90a(
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %{{.*}}, %{{.*}} = %c2, %{{.*}} = %{{.*}}) threads({{.*}}) in (%{{.*}} = %c32,
// CHECK: scf.if
// CHECK: vector.load %{{.*}} {alignment = 8 : i64} : memref<?x48xf32, strided<[98, 1], offset: 2>>, vector<2xf32>
// CHECK: math.exp
// CHECK-NOT: gpu.barrier
// CHECK-LABEL: func.func private @other
func.func private @gated_sm_90a(%step: !braid.context, %x: memref<?x48xf32, strided<[98, 1], offset: 2>>, %w: memref<48xf32>, %z: memref<?x48xf32>, %y: memref<?x48xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 2>} {
  braid.rms_norm ins(%x, %w : memref<?x48xf32, strided<[98, 1], offset: 2>>, memref<48xf32>) gate(%z : memref<?x48xf32>) outs(%y : memref<?x48xf32>) {eps = 1.0e-5 : f64, groups = 2 : i64}
  return
}

// What has no GPU schedule is left alone.
// CHECK-SAME: #braid.schedule<"vector"
func.func private @other(%step: !braid.context) attributes {braid.kernel = 2 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  return
}
