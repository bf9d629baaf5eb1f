// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// What compiled code takes from the step, and how it is made parallel.

// CHECK-LABEL: func @views
// CHECK: %temp = braid.arena_view %{{.*}} at 128 + 256 * rows sizes(%{{.*}}) : memref<?x64xf32>
// CHECK: %temp_0 = braid.arena_view %{{.*}} at 64 + 0 * rows : memref<17xi32>
// CHECK: %weight = braid.weight_view %{{.*}}[7 + %{{.*}}] : memref<64xf32>
// CHECK: %pool = braid.step_view %{{.*}} "pool" 1 : memref<6x?x8x16x32xf32>
// CHECK: %ids = braid.step_view %{{.*}} "ids" : memref<?xi32>
func.func @views(%step: !braid.context, %rows: index, %layer: index) {
  %0 = braid.arena_view %step at 128 + 256 * rows sizes(%rows) : memref<?x64xf32>
  %1 = braid.arena_view %step at 64 + 0 * rows : memref<17xi32>
  %2 = braid.weight_view %step[7 + %layer] : memref<64xf32>
  %3 = braid.step_view %step "pool" 1 : memref<6x?x8x16x32xf32>
  %4 = braid.step_view %step "ids" : memref<?xi32>
  return
}

// CHECK-LABEL: func @map
// CHECK: %map = braid.tensor_map %{{.*}} rows 128 : memref<?x72xbf16, strided<[80, 1], offset: 8>>
func.func @map(%x: memref<?x72xbf16, strided<[80, 1], offset: 8>>) -> !braid.tensor_map {
  %0 = braid.tensor_map %x rows 128 : memref<?x72xbf16, strided<[80, 1], offset: 8>>
  return %0 : !braid.tensor_map
}

// CHECK-LABEL: func @parallel
// CHECK: braid.parallel %{{.*}} items(%{{.*}}) grain 4 scratch 1024 {
// CHECK-NEXT: ^bb0(%lo: index, %hi: index, %scratch: memref<?xi8>):
func.func @parallel(%step: !braid.context, %n: index) {
  braid.parallel %step items(%n) grain 4 scratch 1024 {
  ^bb0(%a: index, %b: index, %c: memref<?xi8>):
    braid.yield
  }
  return
}

// CHECK-LABEL: func @dispatch
// CHECK: braid.dispatch @body step(%{{.*}}) items(%{{.*}}) captures(%{{.*}} : memref<?xf32>) grain 4 kernel 2
// CHECK: braid.dispatch @closed step(%{{.*}}) items(%{{.*}}) grain 1 kernel 0
func.func @dispatch(%step: !braid.context, %n: index, %x: memref<?xf32>) {
  braid.dispatch @body step(%step) items(%n) captures(%x : memref<?xf32>) grain 4 kernel 2
  braid.dispatch @closed step(%step) items(%n) grain 1 kernel 0
  return
}
func.func private @body(memref<?xf32>, index, index, memref<?xi8>)
func.func private @closed(index, index, memref<?xi8>)
