// RUN: braid-opt %s --expand-math | FileCheck %s
// RUN: braid-opt %s --expand-math=rounds-bf16=false | FileCheck %s --check-prefix=ROUND

// Polynomials, whole vectors at a time: no call of a library is left.
// CHECK-LABEL: func.func @exp
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK-NOT: math.exp
func.func @exp(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @log1p
// CHECK-NOT: math.log
func.func @log1p(%x: f32) -> f32 {
  %0 = math.log1p %x : f32
  return %0 : f32
}

// What the machine has stays: square roots and multiply-adds.
// CHECK-LABEL: func.func @sqrt
// CHECK: math.sqrt
func.func @sqrt(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  return %0 : f32
}

// Rounding to bf16 where no instruction does it: no call of a library either.
// CHECK-LABEL: func.func @round
// CHECK: arith.truncf
// ROUND-LABEL: func.func @round
// ROUND-NOT: arith.truncf
// ROUND: arith.shrui {{.*}} : vector<8xi32>
func.func @round(%x: vector<8xf32>) -> vector<8xbf16> {
  %0 = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  return %0 : vector<8xbf16>
}
