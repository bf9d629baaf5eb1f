// RUN: braid-opt %s --choose-schedule | FileCheck %s --check-prefix=SCHEDULE
// RUN: braid-opt %s --choose-schedule --emit-gpu-kernels --canonicalize | FileCheck %s

// In bf16, with whole tiles, the products of a chunk are on tensor cores; other
// shapes take the f32 form.

// SCHEDULE: @whole_sm_80({{.*}}gpu_schedule<"mma", threads = 128
// SCHEDULE: @odd_sm_80({{.*}}gpu_schedule<"simt", threads = 128

// The state is the loop's: 8 tiles of 4 sums a lane. W, y and the state are one
// kind of product each, y two.
// CHECK-LABEL: func.func private @whole_sm_80(
// CHECK: gpu.launch
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.launch
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32{{(, f32)+}})
// CHECK: gpu.barrier
// CHECK: gpu.barrier
// CHECK: nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK: gpu.barrier
// CHECK-COUNT-2: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.barrier
// CHECK-COUNT-8: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.barrier
// CHECK: scf.yield
// CHECK-LABEL: func.func private @odd_sm_80(
// CHECK-NOT: nvvm.mma.sync
func.func private @whole_sm_80(%step: !braid.context, %x: memref<?x256xbf16>, %dt: memref<?x4xbf16>, %head: memref<4xf32>, %bc: memref<?x256xbf16>, %batch: !braid.batch, %layer: index, %y: memref<?x256xbf16>, %pool: memref<6x?x4x128x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_80"} {
  braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : memref<?x256xbf16>, memref<?x4xbf16>, memref<4xf32>, memref<?x256xbf16>, memref<?x256xbf16>, memref<4xf32>, memref<4xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x256xbf16>, memref<6x?x4x128x64xf32>) {chunk = 128 : i64, dt_min = 0.0 : f64, dt_max = 0x7FF0000000000000 : f64}
  return
}

func.func private @odd_sm_80(%step: !braid.context, %x: memref<?x80xbf16>, %dt: memref<?x4xbf16>, %head: memref<4xf32>, %bc: memref<?x24xbf16>, %batch: !braid.batch, %layer: index, %y: memref<?x80xbf16>, %pool: memref<6x?x4x24x20xf32>) attributes {braid.kernel = 1 : i64, braid.target = "sm_80"} {
  braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : memref<?x80xbf16>, memref<?x4xbf16>, memref<4xf32>, memref<?x24xbf16>, memref<?x24xbf16>, memref<4xf32>, memref<4xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x80xbf16>, memref<6x?x4x24x20xf32>) {chunk = 16 : i64, dt_min = 0.0 : f64, dt_max = 0x7FF0000000000000 : f64}
  return
}
