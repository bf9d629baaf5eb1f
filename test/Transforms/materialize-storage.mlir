// RUN: braid-opt %s --materialize-storage | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// Every weight learns its layout and its place in the table: one entry for each
// of the layers.
// CHECK: braid.params @block layers = [0, 3] {
// CHECK-NEXT: @norm {{.*}} packed tensor<48xf32> table 0 : tensor<48xbf16
// CHECK-NEXT: @proj {{.*}} packed tensor<3x24x32x2xbf16> table 2 : tensor<72x48xbf16, #braid.storage<bf16>>
// CHECK-NEXT: @gate {{.*}} packed tensor<1x48x32x1xf32> table 4 : tensor<16x48xf32
// CHECK-NEXT: @bias {{.*}} packed tensor<16xf32> table 6 : tensor<16xf32
// CHECK-NEXT: @up {{.*}} packed tensor<16x3x24x32x2xbf16> table 8 :
// CHECK-NEXT: @down {{.*}} packed tensor<16x2x48x32x2xbf16> table 10 :
// CHECK-NEXT: @unused from "layers.{L}.unused" :
braid.params @block layers = [0, 3] {
  braid.weight @norm from "layers.{L}.norm" : tensor<48xbf16, #braid.storage<bf16>>
  braid.weight @proj from "layers.{L}.proj" : tensor<72x48xbf16, #braid.storage<bf16>>
  braid.weight @gate from "layers.{L}.gate" : tensor<16x48xf32, #braid.storage<f32>>
  braid.weight @bias from "layers.{L}.bias" : tensor<16xf32, #braid.storage<f32>>
  braid.weight @up from "layers.{L}.{E}.up" : tensor<16x96x48xbf16, #braid.storage<bf16>>
  braid.weight @down from "layers.{L}.{E}.down" : tensor<16x48x96xbf16, #braid.storage<bf16>>
  braid.weight @unused from "layers.{L}.unused" : tensor<8xf32, #braid.storage<f32>>
}
braid.params @model layers = [-1] {
  braid.weight @embedding from "embedding" : tensor<300x48xf16, #braid.storage<f16>>
}

// Small weights are f32 wherever kernels read them.
// CHECK-LABEL: func @norm
// CHECK: %norm = braid.param @block::@norm[%{{.*}}] : tensor<48xf32>
// CHECK: braid.rms_norm ins({{.*}} : tensor<?x48xbf16>, tensor<48xf32>)
func.func @norm(%x: tensor<?x48xbf16>, %layer: index, %out: tensor<?x48xbf16>) -> tensor<?x48xbf16> {
  %w = braid.param @block::@norm[%layer] : tensor<48xbf16, #braid.storage<bf16>>
  %y = braid.rms_norm ins(%x, %w : tensor<?x48xbf16>, tensor<48xbf16, #braid.storage<bf16>>) outs(%out : tensor<?x48xbf16>) {eps = 1.0e-5} -> tensor<?x48xbf16>
  return %y : tensor<?x48xbf16>
}

// A contraction takes panels of 32 outputs, with the inputs in pairs for bf16;
// the zeros that it starts from are not stored first.
// CHECK-LABEL: func @contract
// CHECK-SAME: %[[OUT:[^:]*]]: tensor<?x72xf32>)
// CHECK: %product = braid.packed_contract ins(%{{.*}}, %proj : tensor<?x48xbf16>, tensor<3x24x32x2xbf16>) outs(%[[OUT]] : tensor<?x72xf32>)
// CHECK-NEXT: ^bb0(%acc: f32, %old: f32):
// CHECK-NEXT: braid.yield %acc
func.func @contract(%x: tensor<?x48xbf16>, %layer: index, %out: tensor<?x72xf32>) -> tensor<?x72xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x72xf32>) -> tensor<?x72xf32>
  %w = braid.param @block::@proj[%layer] : tensor<72x48xbf16, #braid.storage<bf16>>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xbf16>, tensor<72x48xbf16, #braid.storage<bf16>>) outs(%init : tensor<?x72xf32>) -> tensor<?x72xf32>
  return %y : tensor<?x72xf32>
}

// A router that is stored in f32 stays in f32.
// CHECK-LABEL: func @router
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x48xbf16>, tensor<1x48x32x1xf32>)
func.func @router(%x: tensor<?x48xbf16>, %layer: index, %out: tensor<?x16xf32>, %i: tensor<?x4xi32>, %s: tensor<?x4xf32>) -> tensor<?x4xi32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x16xf32>) -> tensor<?x16xf32>
  %w = braid.param @block::@gate[%layer] : tensor<16x48xf32, #braid.storage<f32>>
  %b = braid.param @block::@bias[%layer] : tensor<16xf32, #braid.storage<f32>>
  %logits = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xbf16>, tensor<16x48xf32, #braid.storage<f32>>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  %0:2 = braid.route ins(%logits, %b : tensor<?x16xf32>, tensor<16xf32, #braid.storage<f32>>) outs(%i, %s : tensor<?x4xi32>, tensor<?x4xf32>) {scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return %0#0 : tensor<?x4xi32>
}

// Experts become their grouping, two grouped contractions and a weighted sum;
// the first squares what it rectifies, in its epilogue.
// CHECK-LABEL: func @experts
// CHECK: %order, %begin, %active = braid.group_rows
// CHECK-SAME: tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>
// CHECK: %[[ACT:.*]] = braid.packed_contract ins({{.*}} : tensor<?x48xbf16>, tensor<16x3x24x32x2xbf16>) grouped(%order, %begin, %active
// CHECK-SAME: gather outs({{.*}} : tensor<?x4x96xbf16>)
// CHECK: arith.maximumf
// CHECK: arith.mulf
// CHECK: arith.truncf
// CHECK: %[[PARTS:.*]] = braid.packed_contract ins(%[[ACT]]
// CHECK-SAME: grouped(%order, %begin, %active
// CHECK-NOT: gather
// CHECK-SAME: outs({{.*}} : tensor<?x4x48xbf16>)
// CHECK: braid.combine_experts ins(%[[PARTS]],
func.func @experts(%x: tensor<?x48xbf16>, %layer: index, %i: tensor<?x4xi32>, %s: tensor<?x4xf32>, %out: tensor<?x48xbf16>) -> tensor<?x48xbf16> {
  %up = braid.param @block::@up[%layer] : tensor<16x96x48xbf16, #braid.storage<bf16>>
  %down = braid.param @block::@down[%layer] : tensor<16x48x96xbf16, #braid.storage<bf16>>
  %y = braid.experts ins(%x, %i, %s, %up, %down : tensor<?x48xbf16>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x48xbf16, #braid.storage<bf16>>, tensor<16x48x96xbf16, #braid.storage<bf16>>) outs(%out : tensor<?x48xbf16>) -> tensor<?x48xbf16>
  return %y : tensor<?x48xbf16>
}

// A table that is not bf16 has rows of the activations' type.
// CHECK-LABEL: func @embed
// CHECK: braid.gather_rows ins({{.*}} : tensor<?xi32>, tensor<300x48xf32>)
func.func @embed(%ids: tensor<?xi32>, %zero: index, %out: tensor<?x48xf32>) -> tensor<?x48xf32> {
  %t = braid.param @model::@embedding[%zero] : tensor<300x48xf16, #braid.storage<f16>>
  %y = braid.gather_rows ins(%ids, %t : tensor<?xi32>, tensor<300x48xf16, #braid.storage<f16>>) outs(%out : tensor<?x48xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}

// CHECK-LABEL: func @not_read
// CHECK-NEXT: return
func.func @not_read(%layer: index) {
  %w = braid.param @block::@norm[%layer] : tensor<48xbf16, #braid.storage<bf16>>
  return
}

// What is stored in fp8 or nvfp4 stays so where x is bf16 and inputs come in blocks of 16;
// otherwise it becomes numbers of the type of x.
// CHECK-LABEL: func @coded
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x48xbf16>, tensor<3x13x32x4xf8E4M3FN>)
func.func @coded(%x: tensor<?x48xbf16>, %layer: index, %out: tensor<?x72xf32>) -> tensor<?x72xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x72xf32>) -> tensor<?x72xf32>
  %w = braid.param @coded_weights::@bf16[%layer] : tensor<72x48xbf16, #braid.storage<fp8>>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xbf16>, tensor<72x48xbf16, #braid.storage<fp8>>) outs(%init : tensor<?x72xf32>) -> tensor<?x72xf32>
  return %y : tensor<?x72xf32>
}
// CHECK-LABEL: func @nvfp4
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x48xbf16>, tensor<3x8x32x4xi8>)
func.func @nvfp4(%x: tensor<?x48xbf16>, %layer: index, %out: tensor<?x72xf32>) -> tensor<?x72xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x72xf32>) -> tensor<?x72xf32>
  %w = braid.param @coded_weights::@nvfp4[%layer] : tensor<72x48xbf16, #braid.storage<nvfp4>>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xbf16>, tensor<72x48xbf16, #braid.storage<nvfp4>>) outs(%init : tensor<?x72xf32>) -> tensor<?x72xf32>
  return %y : tensor<?x72xf32>
}
// CHECK-LABEL: func @decoded
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x40xbf16>, tensor<3x20x32x2xbf16>)
func.func @decoded(%x: tensor<?x40xbf16>, %layer: index, %out: tensor<?x72xf32>) -> tensor<?x72xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x72xf32>) -> tensor<?x72xf32>
  %w = braid.param @coded_weights::@blocks[%layer] : tensor<72x40xbf16, #braid.storage<fp8>>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x40xbf16>, tensor<72x40xbf16, #braid.storage<fp8>>) outs(%init : tensor<?x72xf32>) -> tensor<?x72xf32>
  return %y : tensor<?x72xf32>
}
// CHECK-LABEL: func @decoded_f32
// CHECK: braid.packed_contract ins({{.*}} : tensor<?x48xf32>, tensor<3x48x32x1xf32>)
func.func @decoded_f32(%x: tensor<?x48xf32>, %layer: index, %out: tensor<?x72xf32>) -> tensor<?x72xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x72xf32>) -> tensor<?x72xf32>
  %w = braid.param @coded_weights::@f32[%layer] : tensor<72x48xbf16, #braid.storage<fp8>>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xf32>, tensor<72x48xbf16, #braid.storage<fp8>>) outs(%init : tensor<?x72xf32>) -> tensor<?x72xf32>
  return %y : tensor<?x72xf32>
}
braid.params @coded_weights layers = [0, 3] {
  braid.weight @bf16 from "layers.{L}.a" : tensor<72x48xbf16, #braid.storage<fp8>>
  braid.weight @nvfp4 from "layers.{L}.d" : tensor<72x48xbf16, #braid.storage<nvfp4>>
  braid.weight @blocks from "layers.{L}.b" : tensor<72x40xbf16, #braid.storage<fp8>>
  braid.weight @f32 from "layers.{L}.c" : tensor<72x48xbf16, #braid.storage<fp8>>
}
