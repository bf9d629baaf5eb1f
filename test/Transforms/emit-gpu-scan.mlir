// RUN: braid-opt %s --emit-gpu-kernels --canonicalize --cse | FileCheck %s
func.func private @scan_sm_80(%step: !braid.context, %x: memref<?x256xf32>, %dt: memref<?x4xf32>, %head: memref<4xf32>, %bc: memref<?x256xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x256xf32>, %pool: memref<6x?x4x128x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_80", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 4>} {
  braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : memref<?x256xf32>, memref<?x4xf32>, memref<4xf32>, memref<?x256xf32>, memref<?x256xf32>, memref<4xf32>, memref<4xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x256xf32>, memref<6x?x4x128x64xf32>) {chunk = 128 : i64}
  return
}
