// RUN: braid-opt %s --emit-gpu-kernels --canonicalize | FileCheck %s
// RUN: braid-opt %s --braid-device-phase | FileCheck %s --check-prefix=NVVM

// Threads lie over vectors of eight channels. Steps in which every row is a
// sequence have a launch of their own; in others a thread finds the sequence of
// its run of eight rows, and only the one whose run is the first touches the
// pool: it reads the old inputs, and writes the last ones in the end.

// NVVM: gpu.module @sm_80
// NVVM-COUNT-2: llvm.func @conv{{.*}}nvvm.kernel
// NVVM-NOT: unrealized_conversion_cast

// CHECK-LABEL: func.func private @conv_sm_80(
// CHECK-NOT: braid.causal_conv
// CHECK: %[[SINGLE:.*]] = arith.cmpi eq
// CHECK: scf.if %[[SINGLE]] {
// CHECK: gpu.launch
// CHECK-NOT: scf.while
// CHECK-COUNT-3: vector.load %{{.*}} {alignment = 16 : i64} : memref<6x?x3x96xbf16>, vector<8xbf16>
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<?x96xbf16, strided<[160, 1], offset: 32>>, vector<8xbf16>
// CHECK: vector.store %{{.*}} {alignment = 16 : i64} : memref<?x96xbf16>, vector<8xbf16>
// CHECK-COUNT-3: vector.store %{{.*}} {alignment = 16 : i64} : memref<6x?x3x96xbf16>, vector<8xbf16>
// CHECK: } else {
// CHECK: gpu.launch
// CHECK: scf.while
// CHECK: arith.minsi
// CHECK: %[[ANY:.*]] = arith.cmpi slt
// CHECK: scf.if %[[ANY]] {
// CHECK: %[[LEADS:.*]] = arith.cmpi eq
// CHECK: scf.if %[[LEADS]] -> (vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-COUNT-3: vector.load %{{.*}} : memref<6x?x3x96xbf16>
// CHECK-NOT: memref<6x?x3x96xbf16>
// CHECK: scf.for
// CHECK-NOT: memref<6x?x3x96xbf16>
// CHECK: scf.if %[[LEADS]] {
// CHECK-COUNT-3: vector.store %{{.*}} : memref<6x?x3x96xbf16>
// CHECK-NOT: memref<6x?x3x96xbf16>
// CHECK: gpu.terminator
module attributes {braid.gpu_targets = ["sm_80"]} {

func.func private @conv_sm_80(%step: !braid.context, %x: memref<?x96xbf16, strided<[160, 1], offset: 32>>, %w: memref<4x96xf32>, %b: memref<96xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x96xbf16>, %pool: memref<6x?x3x96xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_80", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 4>} {
  braid.causal_conv ins(%x, %w : memref<?x96xbf16, strided<[160, 1], offset: 32>>, memref<4x96xf32>) bias(%b : memref<96xf32>) batch(%batch) layer(%layer) outs(%y, %pool : memref<?x96xbf16>, memref<6x?x3x96xbf16>)
  return
}

}
