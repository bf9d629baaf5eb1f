// RUN: braid-opt %s --outline-parallel | FileCheck %s

// The largest scratch of all regions is what each thread gets.
// CHECK: module attributes {braid.thread_scratch = 256 : i64}

// CHECK-LABEL: func.func private @scale(
// CHECK: braid.dispatch @scale_body step(%step) items(%{{.*}}) captures(%{{.*}} : memref<?xf32>) grain 4 kernel 7
// CHECK: braid.dispatch @scale_body1 step(%step)
// CHECK-NOT: braid.parallel
func.func private @scale(%step: !braid.context, %n: index, %x: memref<?xf32>) attributes {braid.kernel = 7 : i64} {
  %two = arith.constant 2.0 : f32
  %one = arith.constant 1 : index
  braid.parallel %step items(%n) grain 4 scratch 256 {
  ^bb0(%lo: index, %hi: index, %scratch: memref<?xi8>):
    scf.for %i = %lo to %hi step %one {
      %0 = memref.load %x[%i] : memref<?xf32>
      %1 = arith.mulf %0, %two : f32
      memref.store %1, %x[%i] : memref<?xf32>
    }
    braid.yield
  }
  braid.parallel %step items(%n) grain 1 scratch 64 {
  ^bb0(%lo: index, %hi: index, %scratch: memref<?xi8>):
    memref.store %two, %x[%lo] : memref<?xf32>
    braid.yield
  }
  return
}

// Captures, bounds, scratch; constants are repeated inside, not captured.
// CHECK-LABEL: func.func private @scale_body(
// CHECK-SAME: %{{.*}}: memref<?xf32>, %[[LO:.*]]: index, %[[HI:.*]]: index, %{{.*}}: memref<?xi8>)
// CHECK-DAG: arith.constant 2.0
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1
// CHECK: scf.for %{{.*}} = %[[LO]] to %[[HI]] step %[[ONE]]
// CHECK: return
