// RUN: braid-opt %s --join-launches --split-input-file | FileCheck %s --implicit-check-not=braid.member

// On each path one launch: the first blocks are those of the first op, and the
// shared memory is what the larger one needs. Sizes that are computed twice are
// the same.
// CHECK-LABEL: func.func @paths(
// CHECK-DAG: %[[COND:.*]] = arith.cmpi sle
// CHECK: scf.if %[[COND]] {
// CHECK-NEXT: %[[SUM:.*]] = arith.addi %c3, %c5 : index
// CHECK-NEXT: gpu.launch blocks(%[[X:[a-z0-9]+]], %{{.*}}, %{{.*}}) in (%{{.*}} = %[[SUM]], {{.*}} dynamic_shared_memory_size %c256_i32 {
// CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi slt, %[[X]], %c3
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-NEXT: memref.store %{{.*}}, %arg1[%[[X]]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[REST:.*]] = arith.subi %[[X]], %c3
// CHECK-NEXT: memref.store %{{.*}}, %arg2[%[[REST]]]
// CHECK: } else {
// CHECK: gpu.launch
// CHECK: memref.store %{{.*}}, %arg1
// CHECK-NOT: gpu.launch
// CHECK: memref.store %{{.*}}, %arg2
// CHECK-NOT: gpu.launch
// CHECK: return
func.func @paths(%x: memref<?x8xf32>, %y: memref<?xf32>, %z: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %small = arith.constant 128 : i32
  %large = arith.constant 256 : i32
  %v = arith.constant 1.0 : f32
  %rows = memref.dim %x, %c0 : memref<?x8xf32>
  %few = arith.cmpi sle, %rows, %c8 : index
  scf.if %few {
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c3, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %large {
      memref.store %v, %y[%bx] : memref<?xf32>
      gpu.terminator
    } {braid.member = 0 : i64}
  } else {
    %tiles = arith.divui %rows, %c64 : index
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c3, %gy = %tiles, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %small {
      memref.store %v, %y[%bx] : memref<?xf32>
      gpu.terminator
    } {braid.member = 0 : i64}
  }
  %again = memref.dim %x, %c0 : memref<?x8xf32>
  %fewAgain = arith.cmpi sle, %again, %c8 : index
  scf.if %fewAgain {
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c5, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %small {
      memref.store %v, %z[%bx] : memref<?xf32>
      gpu.terminator
    } {braid.member = 1 : i64}
  } else {
    %tiles = arith.divui %again, %c64 : index
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c5, %gy = %tiles, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %small {
      memref.store %v, %z[%bx] : memref<?xf32>
      gpu.terminator
    } {braid.member = 1 : i64}
  }
  return
}

// -----

// Grids of different heights: all blocks are counted, and find their place from
// their number.
// CHECK-LABEL: func.func @heights(
// CHECK-DAG: %[[A:.*]] = arith.muli %c5, %arg2
// CHECK-DAG: %[[B:.*]] = arith.muli %c3, %c1
// CHECK: %[[SUM:.*]] = arith.addi %[[A]], %[[B]]
// CHECK: gpu.launch blocks(%[[X:[a-z0-9]+]], %{{.*}}, %{{.*}}) in (%{{.*}} = %[[SUM]], %{{.*}} = %c1{{[_0-9]*}}, %{{.*}} = %c1{{[_0-9]*}})
// CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi slt, %[[X]], %[[A]]
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-DAG: %[[ACROSS:.*]] = arith.remui %[[X]], %c5
// CHECK-DAG: %[[DOWN:.*]] = arith.divui %[[X]], %c5
// CHECK: memref.store %{{.*}}, %arg0[%[[DOWN]], %[[ACROSS]]]
// CHECK: } else {
// CHECK-NEXT: %[[REST:.*]] = arith.subi %[[X]], %[[A]]
// CHECK: %[[AT:.*]] = arith.remui %[[REST]], %c3
// CHECK: memref.store %{{.*}}, %arg1[%[[AT]]]
// CHECK-NOT: gpu.launch
func.func @heights(%y: memref<?x5xf32>, %z: memref<?xf32>, %n: index) {
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c64 = arith.constant 64 : index
  %bytes = arith.constant 0 : i32
  %v = arith.constant 1.0 : f32
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c5, %gy = %n, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%by, %bx] : memref<?x5xf32>
    gpu.terminator
  } {braid.member = 0 : i64}
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c3, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %z[%bx] : memref<?xf32>
    gpu.terminator
  } {braid.member = 1 : i64}
  return
}

// -----

// Blocks of other sizes do not fit together, nor do several launches of one op;
// and what is of no op comes before all that stands behind it.
// CHECK-LABEL: func.func @apart(
// CHECK-COUNT-3: gpu.launch blocks
func.func @apart(%y: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %bytes = arith.constant 0 : i32
  %v = arith.constant 1.0 : f32
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%bx] : memref<?xf32>
    gpu.terminator
  }
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%bx] : memref<?xf32>
    gpu.terminator
  } {braid.member = 0 : i64}
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%bx] : memref<?xf32>
    gpu.terminator
  } {braid.member = 1 : i64}
  return
}

// -----

// CHECK-LABEL: func.func @ordered(
// CHECK-COUNT-3: gpu.launch blocks
func.func @ordered(%y: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %bytes = arith.constant 0 : i32
  %v = arith.constant 1.0 : f32
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%bx] : memref<?xf32>
    gpu.terminator
  } {braid.member = 0 : i64}
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%bx] : memref<?xf32>
    gpu.terminator
  } {braid.member = 0 : i64}
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    memref.store %v, %y[%bx] : memref<?xf32>
    gpu.terminator
  } {braid.member = 1 : i64}
  return
}
