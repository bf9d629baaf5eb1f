// RUN: braid-opt %s --emit-gpu-kernels --canonicalize --cse | FileCheck %s --implicit-check-not=braid.attention --implicit-check-not=braid.schedule
// RUN: braid-opt %s --pass-pipeline="builtin.module(emit-gpu-kernels,outline-launches,canonicalize,cse,expand-math,gpu.module(gpu-to-nvvm))" | FileCheck %s --check-prefix=NVVM --implicit-check-not=nvgpu.

// What ranges of keys give lies behind the temporaries of the step's rows, and
// all kernels share the place: 2048 ranges of 4 heads, 32 columns and 2 numbers.
// CHECK: module attributes {braid.arena = array<i64: 1114176, 640>
module attributes {braid.arena = array<i64: 64, 640>, braid.gpu_targets = ["sm_90a"]} {

// A step of one row per sequence is two launches: the ranges follow from the
// context that a pool holds, not from positions. Other steps are one launch.
// CHECK-LABEL: func.func private @f32_sm_90a(
// CHECK: %[[ROWS:.*]] = memref.dim %arg0, %c0
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[ROWS]]
// CHECK: scf.if %[[SAME]] {
// CHECK:   memref.dim %arg5, %c3
// CHECK:   braid.arena_view %step at 64 + 640 * rows : memref<2048x4x32xf32>
// CHECK:   braid.arena_view %step at 1048640 + 640 * rows : memref<2048x4x2xf32>
// CHECK:   scf.for
// CHECK:     gpu.launch
// CHECK:       vector.load %arg5[{{.*}}] {alignment = 16 : i64} : memref<3x?x2x?x32xf32>, vector<4xf32>
// CHECK:       vector.load %arg1[{{.*}}] {alignment = 16 : i64} : memref<?x64xf32>, vector<4xf32>
// CHECK:       gpu.barrier
// CHECK:       vector.store %{{.*}}, %temp{{.*}} {alignment = 16 : i64} : memref<2048x4x32xf32>, vector<4xf32>
// CHECK:     gpu.launch
// CHECK-NOT:   gpu.barrier
// CHECK:       vector.store %{{.*}}, %arg4[
// CHECK-NOT:   gpu.barrier
// CHECK:     gpu.launch
// CHECK:       vector.store {{.*}}, %arg5[
// CHECK:       gpu.barrier
// CHECK:       vector.store %{{.*}}, %arg4[
// CHECK-NOT: gpu.launch
func.func private @f32_sm_90a(%step: !braid.context, %q: memref<?x128xf32>, %k: memref<?x64xf32>, %v: memref<?x64xf32>, %layer: index, %y: memref<?x128xf32>, %ks: memref<3x?x2x?x32xf32>, %vs: memref<3x?x2x?x32xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  %batch = builtin.unrealized_conversion_cast %step : !braid.context to !braid.batch
  braid.attention ins(%q, %k, %v : memref<?x128xf32>, memref<?x64xf32>, memref<?x64xf32>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x128xf32>, memref<3x?x2x?x32xf32>, memref<3x?x2x?x32xf32>) {scale = 0.5}
  return
}

// In bf16 keys are copied 16 bytes at a time while the block before them is
// worked on, and both products are the tensor cores'. A row of 40 bytes can only
// be copied 8 bytes at a time.
// CHECK-LABEL: func.func private @bf16_sm_90a(
// CHECK: gpu.launch
// CHECK:   nvgpu.device_async_copy %arg5[{{.*}}], {{.*}}, 8, {{.*}} {bypassL1}
// CHECK:   nvvm.cp.async.commit.group
// CHECK:   nvvm.cp.async.wait.group 1
// CHECK:   gpu.barrier
// CHECK:   nvgpu.ldmatrix {{.*}}numTiles = 4 : i32, transpose = false
// CHECK:   scf.for
// CHECK:     nvgpu.device_async_copy
// CHECK:     nvvm.cp.async.wait.group 1
// CHECK:     gpu.barrier
// CHECK:     nvvm.mma.sync
// CHECK:     math.exp
// CHECK:     nvgpu.ldmatrix {{.*}}transpose = true
// CHECK:     nvvm.mma.sync
// CHECK:     gpu.barrier
// CHECK-LABEL: func.func private @narrow_sm_90a(
// CHECK: nvgpu.device_async_copy %arg5[{{.*}}], {{.*}}, 4, %{{[a-z0-9_]+}} :
// NVVM-LABEL: llvm.func @bf16_prefill(
// NVVM: nvvm.cp.async.shared.global {{.*}}, 16, cache = {{ *}}cg, %{{.*}}
// NVVM: nvvm.ldmatrix {{.*}}num = 4 : i32
// NVVM: nvvm.mma.sync {{.*}}multiplicandAPtxType = #nvvm.mma_type<bf16>
func.func private @bf16_sm_90a(%step: !braid.context, %q: memref<?x128xbf16>, %k: memref<?x64xbf16>, %v: memref<?x64xbf16>, %layer: index, %y: memref<?x128xbf16>, %ks: memref<3x?x2x?x32xbf16>, %vs: memref<3x?x2x?x32xbf16>) attributes {braid.kernel = 1 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 128, blocks = 2>} {
  %batch = builtin.unrealized_conversion_cast %step : !braid.context to !braid.batch
  braid.attention ins(%q, %k, %v : memref<?x128xbf16>, memref<?x64xbf16>, memref<?x64xbf16>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x128xbf16>, memref<3x?x2x?x32xbf16>, memref<3x?x2x?x32xbf16>) {scale = 0.5}
  return
}
func.func private @narrow_sm_90a(%step: !braid.context, %q: memref<?x40xbf16>, %k: memref<?x20xbf16>, %v: memref<?x20xbf16>, %layer: index, %y: memref<?x40xbf16>, %ks: memref<3x?x1x?x20xbf16>, %vs: memref<3x?x1x?x20xbf16>) attributes {braid.kernel = 2 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 128, blocks = 2>} {
  %batch = builtin.unrealized_conversion_cast %step : !braid.context to !braid.batch
  braid.attention ins(%q, %k, %v : memref<?x40xbf16>, memref<?x20xbf16>, memref<?x20xbf16>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x40xbf16>, memref<3x?x1x?x20xbf16>, memref<3x?x1x?x20xbf16>) {scale = 0.5}
  return
}
}
