// RUN: braid-opt %s --braid-device-phase=isa=avx512-bf16 | FileCheck %s
// RUN: braid-opt %s --braid-device-phase=isa=avx512-bf16 | mlir-translate --mlir-to-llvmir | llc -O2 -mcpu=sapphirerapids | FileCheck %s --check-prefix=ASM

// The inner loop of a contraction is the point of the compiler: sums stay in
// registers, and products are formed by the instruction that the schedule says.

// CHECK-NOT: llvm.alloca {{.*}} x vector
// CHECK-NOT: llvm.extractelement
// CHECK: llvm.func @fma_body
// CHECK-NOT: llvm.alloca
// CHECK: llvm.intr.fma({{.*}}vector<16xf32>
// CHECK: llvm.func @bf16_body
// CHECK-NOT: llvm.alloca
// CHECK: vector<16xf32>, vector<32xbf16>, vector<32xbf16>
// CHECK-NOT: llvm.alloca {{.*}} x vector

module attributes {braid.arena = array<i64: 0, 0>} {
  // One row by two panels: four sums, no spill. Then, for more rows, four by two
  // vectors: eight sums, two loads of weights, no spill.
  // ASM-LABEL: fma_body:
  // ASM: Inner Loop
  // ASM-NOT: {{rsp|vextract|vinsert|vpinsr}}
  // ASM-COUNT-4: vfmadd{{[0-9]+}}ps {{.*}}zmm
  // ASM: Inner Loop
  // ASM-NOT: {{rsp|vextract|vinsert|vpinsr}}
  // ASM-COUNT-8: vfmadd{{[0-9]+}}ps {{.*}}zmm
  // ASM: {{^.Lfunc_end}}
  func.func private @fma(%step: !braid.context, %x: memref<?x256xf32>, %w: memref<2x256x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 4, dot = "fma">} {
    braid.packed_contract ins(%x, %w : memref<?x256xf32>, memref<2x256x32x1xf32>) outs(%y : memref<?x64xf32>) {
    ^bb0(%acc: f32, %old: f32):
      braid.yield %acc : f32
    }
    return
  }

  // ASM-LABEL: bf16_body:
  // ASM: Inner Loop
  // ASM-NOT: {{rsp|vextract|vinsert|vpinsr}}
  // ASM-COUNT-4: vdpbf16ps {{.*}}zmm
  // ASM: Inner Loop
  // ASM-NOT: {{rsp|vextract|vinsert|vpinsr}}
  // ASM-COUNT-8: vdpbf16ps {{.*}}zmm
  // ASM: {{^.Lfunc_end}}
  func.func private @bf16(%step: !braid.context, %x: memref<?x256xbf16>, %w: memref<2x128x32x2xbf16>, %y: memref<?x64xbf16>) attributes {braid.kernel = 1 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 4, dot = "bf16">} {
    braid.packed_contract ins(%x, %w : memref<?x256xbf16>, memref<2x128x32x2xbf16>) outs(%y : memref<?x64xbf16>) {
    ^bb0(%acc: f32, %old: bf16):
      %r = arith.truncf %acc : f32 to bf16
      braid.yield %r : bf16
    }
    return
  }
}
