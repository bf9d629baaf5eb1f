// RUN: braid-opt %s --bf16-as-bits --canonicalize | FileCheck %s

// CHECK-LABEL: llvm.func @copy
// CHECK: %[[V:.*]] = llvm.load %arg0 {{.*}} -> vector<8xi16>
// CHECK-NEXT: llvm.store %[[V]], %arg1 {{.*}} : vector<8xi16>
llvm.func @copy(%from: !llvm.ptr, %to: !llvm.ptr) {
  %0 = llvm.load %from {alignment = 2 : i64} : !llvm.ptr -> vector<8xbf16>
  llvm.store %0, %to {alignment = 2 : i64} : vector<8xbf16>, !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @other
// CHECK: llvm.load %arg0 : !llvm.ptr -> f32
llvm.func @other(%from: !llvm.ptr) -> f32 {
  %0 = llvm.load %from : !llvm.ptr -> f32
  llvm.return %0 : f32
}
