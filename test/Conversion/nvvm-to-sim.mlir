// RUN: braid-opt %s --nvvm-to-sim | FileCheck %s

// No CPU multiplies bf16: f32 does it.
// CHECK-LABEL: llvm.func @sim_sm_80_products
// CHECK-NOT: llvm.fmul {{.*}}bf16
// CHECK: llvm.fmul %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK-NOT: llvm.fp
// CHECK: llvm.fmul %{{.*}}, %{{.*}} : f32
// CHECK: llvm.return

// A copy is one call: what it reads and writes is checked there.
// CHECK-LABEL: llvm.func @sim_sm_80_copies
// CHECK-NOT: llvm.load %{{.*}} : !llvm.ptr -> vector
// CHECK: %[[SIZE:.*]] = llvm.mlir.constant(16 : i32)
// CHECK: llvm.call %{{.*}}(%arg0, %{{.*}}, %{{.*}}, %{{.*}}, %[[SIZE]], %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i32, i32) -> ()
// CHECK: llvm.call %{{.*}}(%arg0, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> ()
// CHECK: %[[GROUPS:.*]] = llvm.mlir.constant(2 : i32)
// CHECK: llvm.call %{{.*}}(%arg0, %{{.*}}, %[[GROUPS]])

// Fragments pass through the thread's frame.
// CHECK-LABEL: llvm.func @sim_sm_80_matrices
// CHECK: %[[WORDS:.*]] = llvm.alloca %{{.*}} x i32
// CHECK: %[[TILES:.*]] = llvm.alloca %{{.*}} x i32
// CHECK: %[[COUNT:.*]] = llvm.mlir.constant(4 : i32)
// CHECK: %[[TRANSPOSED:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: llvm.call %{{.*}}(%arg0, %{{.*}}, %{{.*}}, %[[COUNT]], %[[TRANSPOSED]], %[[TILES]])
// CHECK-COUNT-4: llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK-COUNT-10: llvm.store
// CHECK: llvm.call %{{.*}}(%arg0, %{{.*}}, %[[WORDS]])
// CHECK: llvm.getelementptr %[[WORDS]][6]
// CHECK-COUNT-4: llvm.load %{{.*}} : !llvm.ptr -> f32
gpu.module @sm_80 {
  llvm.func @products(%to: !llvm.ptr<1>, %a: vector<8xbf16>, %b: f32)
      attributes {braid.kernel} {
    %0 = llvm.fmul %a, %a : vector<8xbf16>
    llvm.store %0, %to : vector<8xbf16>, !llvm.ptr<1>
    %1 = llvm.fmul %b, %b : f32
    llvm.store %1, %to : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @copies(%to: !llvm.ptr<3>, %from: !llvm.ptr<1>, %bytes: i32)
      attributes {braid.kernel} {
    nvvm.cp.async.shared.global %to, %from, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 2
    llvm.return
  }
  llvm.func @matrices(%row: !llvm.ptr<3>, %b: i32, %c: f32)
      attributes {braid.kernel} {
    %a = nvvm.ldmatrix %row {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %0 = llvm.extractvalue %a[0] : !llvm.struct<(i32, i32, i32, i32)>
    %1 = llvm.extractvalue %a[1] : !llvm.struct<(i32, i32, i32, i32)>
    %2 = llvm.extractvalue %a[2] : !llvm.struct<(i32, i32, i32, i32)>
    %3 = llvm.extractvalue %a[3] : !llvm.struct<(i32, i32, i32, i32)>
    %d = nvvm.mma.sync A[%0, %1, %2, %3] B[%b, %b] C[%c, %c, %c, %c] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    llvm.return
  }
}
