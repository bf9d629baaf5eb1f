// RUN: braid-opt %s --build-prepare | FileCheck %s

// Equal weights share a function; a weight that nothing reads has none.
// CHECK: @a {{.*}} prepare @braid_prepare_0 :
// CHECK: @b {{.*}} prepare @braid_prepare_0 :
// CHECK: @scaled {{.*}} prepare @braid_prepare_1 :
// CHECK: @blocks {{.*}} prepare @braid_prepare_2 :
// CHECK: @A {{.*}} prepare @braid_prepare_3 :
// CHECK: @conv {{.*}} prepare @braid_prepare_4 :
// CHECK: @coded {{.*}} prepare @braid_prepare_5 :
// CHECK: @coded_blocks {{.*}} prepare @braid_prepare_6 :
// CHECK: @unused from "layers.{L}.unused" :
braid.params @block layers = [0, 3] {
  braid.weight @a from "layers.{L}.a" packed tensor<3x24x32x2xbf16> table 0 : tensor<72x47xbf16, #braid.storage<bf16>>
  braid.weight @b from "layers.{L}.b" packed tensor<3x24x32x2xbf16> table 2 : tensor<72x47xbf16, #braid.storage<bf16>>
  braid.weight @scaled from "layers.{L}.scaled" packed tensor<3x24x32x2xbf16> table 4 : tensor<72x48xbf16, #braid.storage<fp8>>
  braid.weight @blocks from "layers.{L}.{E}.blocks" packed tensor<16x3x48x32x1xf32> table 6 : tensor<16x72x48xbf16, #braid.storage<nvfp4>>
  braid.weight @A from "layers.{L}.A_log" transform "neg_exp" packed tensor<8xf32> table 8 : tensor<8xbf16, #braid.storage<bf16>>
  braid.weight @conv from "layers.{L}.conv" transform "transpose" packed tensor<4x96xf32> table 10 : tensor<4x96xbf16, #braid.storage<bf16>>
  braid.weight @coded from "layers.{L}.coded" packed tensor<3x13x32x4xf8E4M3FN> table 12 : tensor<72x48xbf16, #braid.storage<fp8>>
  braid.weight @coded_blocks from "layers.{L}.{E}.coded" packed tensor<16x3x8x32x4xi8> table 14 : tensor<16x72x48xbf16, #braid.storage<nvfp4>>
  braid.weight @unused from "layers.{L}.unused" : tensor<8xf32, #braid.storage<f32>>
}

// Panels: what lies beyond N and K is zero, and not read.
// CHECK-LABEL: func.func @braid_prepare_0(%arg0: memref<72x47xbf16>, %arg1: memref<3x24x32x2xbf16>)
// CHECK: arith.andi
// CHECK: scf.if
// CHECK: memref.load %arg0
// CHECK: memref.store {{.*}}, %arg1

// fp8: bytes and one scale.
// CHECK-LABEL: func.func @braid_prepare_1(%arg0: memref<72x48xi8>, %arg1: memref<1xf32>, %arg2: memref<3x24x32x2xbf16>)

// nvfp4: nibbles, a scale for 16 columns, one scale. A stack is prepared expert
// by expert, so nothing says 16.
// CHECK-LABEL: func.func @braid_prepare_2(%arg0: memref<72x24xi8>, %arg1: memref<72x3xi8>, %arg2: memref<1xf32>, %arg3: memref<3x48x32x1xf32>)

// CHECK-LABEL: func.func @braid_prepare_3(%arg0: memref<8xbf16>, %arg1: memref<8xf32>)
// CHECK: math.exp
// CHECK: arith.negf

// As stored, the channels come first.
// CHECK-LABEL: func.func @braid_prepare_4(%arg0: memref<96x4xbf16>, %arg1: memref<4x96xf32>)
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: scf.for %[[COLUMN:.*]] =
// CHECK: memref.load %arg0[%[[COLUMN]], %[[ROW]]]
// CHECK: memref.store {{.*}}, %arg1[%[[ROW]], %[[COLUMN]]]

// What stays coded is moved, in words: the scale first, then of each row four
// bytes of a block.
// CHECK-LABEL: func.func @braid_prepare_5(%arg0: memref<72x48xi8>, %arg1: memref<1xf32>, %arg2: memref<3x13x32xi32>)
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c1{{.*}} step
// CHECK: memref.load %arg1
// CHECK: memref.store {{.*}}, %arg2
// CHECK: scf.for %{{.*}} = %c1{{.*}} to %c13 step
// CHECK-COUNT-4: memref.load %arg0
// CHECK-NOT: memref.load
// CHECK: memref.store {{.*}}, %arg2

// The scales of blocks lie between: four in a word, of which three exist. A word
// has eight codes.
// CHECK-LABEL: func.func @braid_prepare_6(%arg0: memref<72x24xi8>, %arg1: memref<72x3xi8>, %arg2: memref<1xf32>, %arg3: memref<3x8x32xi32>)
// CHECK: memref.load %arg2
// CHECK: memref.store {{.*}}, %arg3
// CHECK-COUNT-4: memref.load %arg1
// CHECK: memref.store {{.*}}, %arg3
// CHECK-COUNT-8: memref.load %arg0
// CHECK-NOT: memref.load
// CHECK: memref.store {{.*}}, %arg3
