// RUN: braid-opt %s --outline-launches | FileCheck %s

// A region becomes a function of its target's module: captured values are its
// parameters, constants are repeated, ids are read. A second launch of the same
// kernel is numbered after the first; one that does what an earlier one does is
// a call of that one's function.

// CHECK: module attributes {braid.gpu_targets = ["sm_90a", "sm_80"], gpu.container_module}
module attributes {braid.gpu_targets = ["sm_90a", "sm_80"]} {
  // CHECK-LABEL: func.func private @fill_sm_90a(
  // CHECK-NOT: gpu.launch {{b}}
  // CHECK: gpu.launch_func @sm_90a::@fill blocks in (%[[N:.*]], %c1{{.*}}, %c1{{.*}}) threads in (%c64{{.*}}) dynamic_shared_memory_size %c256_i32 args(%{{.*}} : memref<?xf32>)
  // CHECK: gpu.launch_func @sm_90a::@fill_0 blocks in (%c1
  // CHECK-SAME: args(%{{.*}} : index, %{{.*}} : memref<?xf32>)
  // CHECK: gpu.launch_func @sm_90a::@fill blocks in (%c1{{.*}}) dynamic_shared_memory_size %c256_i32 args(%arg2 : memref<?xf32>)
  // CHECK: gpu.launch_func @sm_90a::@fill_1 blocks in (%c1{{.*}}) dynamic_shared_memory_size %c256_i32 args(%arg2 : memref<?xf32>)
  func.func private @fill_sm_90a(%step: !braid.context, %x: memref<?xf32>, %last: index, %y: memref<?xf32>) attributes {braid.kernel = 5 : i64, braid.target = "sm_90a", braid.blocks = 4 : i64, braid.strategy = "simt"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %bytes = arith.constant 256 : i32
    %one = arith.constant 1.0 : f32
    %n = memref.dim %x, %c0 : memref<?xf32>
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %n, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
      memref.store %one, %x[%bx] : memref<?xf32>
      gpu.terminator
    }
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
      %at = arith.addi %last, %tx : index
      memref.store %one, %x[%at] : memref<?xf32>
      gpu.terminator
    }
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
      memref.store %one, %y[%bx] : memref<?xf32>
      gpu.terminator
    }
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
      memref.store %one, %y[%bx] : memref<?xf32>
      gpu.terminator
    }
    return
  }

  func.func private @fill_sm_80(%step: !braid.context, %x: memref<?xf32>) attributes {braid.kernel = 5 : i64, braid.target = "sm_80"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
      %0 = memref.load %x[%c0] : memref<?xf32>
      memref.store %0, %x[%c1] : memref<?xf32>
      gpu.terminator
    }
    return
  }
}

// CHECK: gpu.module @sm_90a {
// CHECK: gpu.func @fill(%[[X:.*]]: memref<?xf32>) kernel attributes {braid.blocks = 4 : i64, braid.kernel = 5 : i64, braid.shared_bytes = 256 : i64, braid.strategy = "simt", braid.threads = 64 : i64} {
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: %[[B:.*]] = gpu.block_id x
// CHECK: memref.store %[[ONE]], %[[X]][%[[B]]]
// CHECK: gpu.return
// CHECK: gpu.func @fill_0(%{{.*}}: index, %{{.*}}: memref<?xf32>) kernel attributes {braid.blocks = 4 : i64, braid.kernel = 5 : i64, braid.shared_bytes = 0 : i64, braid.strategy = "simt", braid.threads = 1 : i64} {
// CHECK: gpu.thread_id x
// CHECK: gpu.func @fill_1(%{{.*}} braid.threads = 1 : i64
// CHECK-NOT: gpu.func
// CHECK: gpu.module @sm_80 {
// CHECK: gpu.func @fill(
