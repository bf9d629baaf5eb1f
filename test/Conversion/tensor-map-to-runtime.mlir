// RUN: braid-opt %s --host-to-runtime --reconcile-unrealized-casts --canonicalize | FileCheck %s

// A tensor map is a structure on the stack, its address a parameter of the
// extent -2: address, rows, columns, bytes from row to row, rows of a tile.

module attributes {braid.gpu_targets = ["sm_90a"], gpu.container_module} {
  func.func @step_sm_90a(%step: !braid.context) attributes {braid.target = "sm_90a"} {
    call @tiles_sm_90a(%step) : (!braid.context) -> ()
    return
  }
  // CHECK: llvm.func @tiles_sm_90a(%[[STEP:.*]]: !llvm.ptr)
  // CHECK-DAG: %[[KIND:.*]] = llvm.mlir.constant(-2 : i64)
  // CHECK-DAG: %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
  // CHECK-DAG: %[[STRIDE:.*]] = llvm.mlir.constant(80 : index)
  // CHECK-DAG: %[[COLUMNS:.*]] = llvm.mlir.constant(72 : index)
  // CHECK-DAG: %[[TILE:.*]] = llvm.mlir.constant(128 : i64)
  // CHECK: %[[MAP:.*]] = llvm.alloca %{{.*}} x !llvm.array<5 x i64>
  // CHECK: %[[DATA:.*]] = llvm.getelementptr %{{.*}}[8] : (!llvm.ptr) -> !llvm.ptr, bf16
  // CHECK: %[[ROWBYTES:.*]] = llvm.mul %[[STRIDE]], %[[TWO]]
  // CHECK: llvm.store %[[DATA]], %[[MAP]] : !llvm.ptr, !llvm.ptr
  // CHECK: llvm.store %{{.*}}, %{{.*}} : i64, !llvm.ptr
  // CHECK: llvm.store %[[COLUMNS]],
  // CHECK: llvm.store %[[ROWBYTES]],
  // CHECK: llvm.store %[[TILE]],
  // CHECK: llvm.store %[[MAP]], %{{.*}} : !llvm.ptr, !llvm.ptr
  // CHECK: llvm.store %[[KIND]],
  func.func private @tiles_sm_90a(%step: !braid.context) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a"} {
    %c1 = arith.constant 1 : index
    %bytes = arith.constant 0 : i32
    %x = braid.arena_view %step at 0 + 160 * rows sizes(%c1) : memref<?x80xbf16>
    %v = memref.subview %x[0, 8] [%c1, 72] [1, 1] : memref<?x80xbf16> to memref<?x72xbf16, strided<[80, 1], offset: 8>>
    %map = braid.tensor_map %v rows 128 : memref<?x72xbf16, strided<[80, 1], offset: 8>>
    gpu.launch_func @sm_90a::@tiles blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) dynamic_shared_memory_size %bytes args(%map : !braid.tensor_map)
    return
  }
  gpu.module @sm_90a {
    llvm.func @tiles(%map: !llvm.ptr) attributes {braid.kernel = 0 : i64, gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
}
