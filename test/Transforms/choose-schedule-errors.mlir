// RUN: braid-opt %s --choose-schedule=isa=x86-64-v9 -verify-diagnostics

// expected-error @+1 {{unknown ISA level 'x86-64-v9', expected x86-64-v3, avx512 or avx512-bf16}}
module {
}
