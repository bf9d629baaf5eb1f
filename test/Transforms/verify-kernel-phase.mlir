// RUN: braid-opt %s --verify-kernel-phase | FileCheck %s

// CHECK-LABEL: func.func @step
func.func @step(%step: !braid.context) {
  %rows = arith.constant 4 : index
  %temp = braid.arena_view %step at 0 + 64 * rows sizes(%rows) : memref<?x16xf32>
  call @kernel(%temp) : (memref<?x16xf32>) -> ()
  return
}
func.func private @kernel(%x: memref<?x16xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  return
}
