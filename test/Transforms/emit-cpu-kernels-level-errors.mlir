// RUN: braid-opt %s --emit-cpu-kernels=dots-bf16=false -verify-diagnostics

// LLVM would end the process over an instruction that the level lacks.
func.func private @bf16(%step: !braid.context, %x: memref<?x48xbf16>, %w: memref<2x24x32x2xbf16>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 8, dot = "bf16">} {
  // expected-error @+1 {{of @bf16: dot = bf16 needs the ISA level avx512-bf16}}
  braid.packed_contract ins(%x, %w : memref<?x48xbf16>, memref<2x24x32x2xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
