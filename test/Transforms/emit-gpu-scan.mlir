// RUN: braid-opt %s --emit-gpu-kernels --canonicalize | FileCheck %s
// RUN: braid-opt %s --braid-device-phase | FileCheck %s --check-prefix=NVVM

// Two launches, each over the heads in halves of 32 columns and the sequences.
// The first is the recurrence, and does nothing for sequences of 8 rows and more;
// the second is the matrix form, and does nothing for the others.

// NVVM: gpu.module @sm_80
// NVVM-COUNT-2: llvm.func @scan{{.*}}nvvm.kernel
// NVVM-NOT: unrealized_conversion_cast

module attributes {braid.gpu_targets = ["sm_80"]} {

// The state is read once, all of a thread's share before it is used; it stays in
// registers over the rows and is written once.
// CHECK-LABEL: func.func private @scan_sm_80(
// CHECK-NOT: braid.ssd_scan
// CHECK-DAG: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK: gpu.launch blocks(%{{.*}}, %{{.*}}, %{{.*}}) in (%{{.*}} = %[[EIGHT]],
// CHECK: %[[FEW:.*]] = arith.cmpi slt, %{{.*}}, %[[EIGHT]]
// CHECK: scf.if %[[FEW]] {
// CHECK-COUNT-8: vector.load %{{.*}} {alignment = 16 : i64} : memref<6x?x4x128x64xf32>, vector<4xf32>
// CHECK: scf.for
// CHECK-NOT: memref<6x?x4x128x64xf32>
// CHECK-COUNT-8: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK: gpu.barrier
// CHECK-COUNT-8: vector.store %{{.*}} {alignment = 16 : i64} : memref<6x?x4x128x64xf32>, vector<4xf32>
// CHECK: gpu.terminator

// In the loop over chunks the state is in shared memory; W, y and the next state
// are separated by barriers.
// CHECK: gpu.launch blocks(%{{.*}}, %{{.*}}, %{{.*}}) in (%{{.*}} = %[[EIGHT]],
// CHECK: %[[MANY:.*]] = arith.cmpi sge, %{{.*}}, %[[EIGHT]]
// CHECK: scf.if %[[MANY]] {
// CHECK: vector.load %{{.*}} : memref<6x?x4x128x64xf32>, vector<4xf32>
// CHECK: scf.for
// CHECK-NOT: memref<6x?x4x128x64xf32>
// CHECK-COUNT-4: gpu.barrier
// CHECK: vector.store %{{.*}} : memref<6x?x4x128x64xf32>, vector<4xf32>
func.func private @scan_sm_80(%step: !braid.context, %x: memref<?x256xf32>, %dt: memref<?x4xf32>, %head: memref<4xf32>, %bc: memref<?x256xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x256xf32>, %pool: memref<6x?x4x128x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_80", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 4>} {
  braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head : memref<?x256xf32>, memref<?x4xf32>, memref<4xf32>, memref<?x256xf32>, memref<?x256xf32>, memref<4xf32>, memref<4xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x256xf32>, memref<6x?x4x128x64xf32>) {chunk = 128 : i64, dt_min = 0.0 : f64, dt_max = 0x7FF0000000000000 : f64}
  return
}

}
