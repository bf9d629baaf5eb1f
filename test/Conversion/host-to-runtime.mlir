// RUN: braid-opt %s --host-to-runtime --reconcile-unrealized-casts | FileCheck %s

// `@step` is what the artefact exports: one function of the step's structure.
// CHECK: llvm.func @braid_step(%[[STEP:.*]]: !llvm.ptr)
// CHECK-NOT: func.func

// A dispatch stores its captures on the stack and calls the first service with
// the thunk that unpacks them: no memory is allocated.
// CHECK: llvm.alloca
// CHECK: llvm.mlir.addressof @kernel_body_thunk
// CHECK: llvm.call %{{.*}}(%{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i64) -> ()
// CHECK-NOT: malloc
func.func @step(%step: !braid.context) {
  %ids = braid.step_view %step "ids" : memref<?xi32>
  %logits = braid.step_view %step "logits" : memref<?x8xf32>
  %rows = braid.step_view %step "output_rows" : memref<?xi32>
  %hidden = braid.step_view %step "hidden" : memref<?x?x4xf32>
  %pool = braid.step_view %step "pool" 1 : memref<3x?x2x?x32xf32>
  %c0 = arith.constant 0 : index
  %n = memref.dim %ids, %c0 : memref<?xi32>
  %temp = braid.arena_view %step at 128 + 64 * rows sizes(%n) : memref<?x16xf32>
  %w = braid.weight_view %step[7 + %c0] : memref<16xf32>
  braid.dispatch @kernel_body step(%step) items(%n) captures(%temp, %w : memref<?x16xf32>, memref<16xf32>) grain 4 kernel 2
  return
}

func.func private @kernel_body(%x: memref<?x16xf32>, %w: memref<16xf32>, %lo: index, %hi: index, %scratch: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %0 = memref.load %w[%c0] : memref<16xf32>
  memref.store %0, %x[%lo, %c0] : memref<?x16xf32>
  return
}

// A preparation function takes the sources' addresses and the destination's.
// CHECK: llvm.func @braid_prepare_0(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
func.func @braid_prepare_0(%source: memref<8xbf16>, %dest: memref<8xf32>) attributes {braid.prepare} {
  %c0 = arith.constant 0 : index
  %0 = memref.load %source[%c0] : memref<8xbf16>
  %1 = arith.extf %0 : bf16 to f32
  memref.store %1, %dest[%c0] : memref<8xf32>
  return
}

// CHECK: llvm.func internal @kernel_body_thunk(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
