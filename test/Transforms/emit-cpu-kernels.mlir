// RUN: braid-opt %s --emit-cpu-kernels --canonicalize --cse | FileCheck %s
// RUN: braid-opt %s --emit-cpu-kernels --canonicalize --cse | FileCheck %s --check-prefix=CONTRACT

// Every kernel becomes loops over vectors of its schedule's lanes; no compute op
// and no schedule is left, and parallelism is `braid.parallel`.

// CHECK-NOT: braid.schedule
// CHECK-NOT: braid.rms_norm
// CHECK-LABEL: func.func private @norm(
// CHECK: braid.parallel %{{.*}} items(
// CHECK: vector.load {{.*}} vector<8xf32>
// CHECK: vector.store {{.*}} vector<8xf32>
// CHECK-NOT: braid.rms_norm
func.func private @norm(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<48xf32>, %y: memref<?x48xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.rms_norm ins(%x, %w : memref<?x48xf32>, memref<48xf32>) outs(%y : memref<?x48xf32>) {eps = 1.0e-5}
  return
}

// Sums of a contraction are loop-carried vectors: the k loop multiplies and adds
// and stores nothing.
// CONTRACT-LABEL: func.func private @fma(
// CONTRACT: braid.parallel
// CONTRACT: scf.for {{.*}} iter_args({{.*}}) -> (vector<{{[0-9]+}}xf32>
// CONTRACT-NOT: memref.store
// CONTRACT-NOT: vector.store
// CONTRACT: fma
// CONTRACT-NOT: memref.store
// CONTRACT-NOT: vector.store
// CONTRACT: scf.yield
// CONTRACT-NOT: braid.packed_contract
func.func private @fma(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64, braid.schedule = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "fma">} {
  braid.packed_contract ins(%x, %w : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}

// Pairs of bf16 go into f32 sums with the instruction for it.
// A single row passes by two panels side by side, for two sums of each.
// CONTRACT-LABEL: func.func private @bf16(
// CONTRACT: scf.if
// CONTRACT:   scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CONTRACT-COUNT-4: x86vector.avx512.dot
// CONTRACT: } else {
// CONTRACT:   x86vector.avx512.dot
// CONTRACT-NOT: braid.packed_contract
func.func private @bf16(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xbf16>) attributes {braid.kernel = 2 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %r = arith.truncf %acc : f32 to bf16
    braid.yield %r : bf16
  }
  return
}

// Codes of several rows are decoded into the thread's scratch first, eight pairs
// of two vectors from a block of 16 inputs; those of a single row between the
// products. The sums are scaled.
// CONTRACT-LABEL: func.func private @coded(
// CONTRACT: braid.parallel {{.*}} scratch 3072
// CONTRACT: scf.if
// CONTRACT:   scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>)
// CONTRACT-COUNT-8: vector.load %{{.*}} : memref<2x13x128xf8E4M3FN>, vector<64xf8E4M3FN>
// CONTRACT-COUNT-16: x86vector.avx512.dot
// CONTRACT:   vector.load %{{.*}} : memref<2x13x128xf8E4M3FN>, vector<64xf8E4M3FN>
// CONTRACT:   arith.mulf {{.*}} : vector<16xf32>
// CONTRACT: } else {
// CONTRACT:   scf.for
// CONTRACT-COUNT-16: vector.store {{.*}} : memref<24x64xbf16>, vector<32xbf16>
// CONTRACT:   vector.load {{.*}} : memref<24x64xbf16>, vector<32xbf16>
// CONTRACT:   x86vector.avx512.dot
// CONTRACT-NOT: braid.packed_contract
func.func private @coded(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x13x32x4xf8E4M3FN>, %y: memref<?x64xbf16>) attributes {braid.kernel = 3 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x13x32x4xf8E4M3FN>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// A block's scales are one more load.
// CONTRACT-LABEL: func.func private @blocks(
// CONTRACT:   scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>)
// CONTRACT-COUNT-6: vector.load %{{.*}} : memref<2x8x128xi8>, vector<64xi8>
// CONTRACT-COUNT-16: x86vector.avx512.dot
func.func private @blocks(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x8x32x4xi8>, %y: memref<?x64xbf16>) attributes {braid.kernel = 4 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">} {
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x8x32x4xi8>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%acc: f32, %old: bf16):
    %0 = arith.truncf %acc : f32 to bf16
    braid.yield %0 : bf16
  }
  return
}

// A block function has no schedule and is left alone.
// CHECK-LABEL: func.func private @block(
// CHECK-NEXT: call @norm
func.func private @block(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<48xf32>) {
  call @norm(%step, %x, %w, %x) : (!braid.context, memref<?x48xf32>, memref<48xf32>, memref<?x48xf32>) -> ()
  return
}
