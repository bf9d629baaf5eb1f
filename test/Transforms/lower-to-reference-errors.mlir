// RUN: braid-opt %s --lower-to-reference -verify-diagnostics

func.func private @copy(%step: !braid.context, %x: memref<4xf32>, %y: memref<4xf32>) attributes {braid.kernel = 0 : i64, braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">} {
  // expected-error @+1 {{has no reference lowering}}
  linalg.copy ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
