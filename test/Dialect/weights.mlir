// RUN: braid-opt %s | braid-opt | FileCheck %s
// RUN: braid-opt %s --mlir-print-op-generic | braid-opt | FileCheck %s

// One declaration serves all layers of a signature; a weight's storage is its
// type's encoding.

// CHECK: braid.params @moe0 layers = [1, 4, 6] {
// CHECK-NEXT: braid.weight @norm from "layers.{L}.norm.weight" : tensor<64xbf16, #braid.storage<bf16>>
// CHECK-NEXT: braid.weight @conv from "layers.{L}.conv1d.weight" transform "transpose" : tensor<4x96xbf16, #braid.storage<bf16>>
// CHECK-NEXT: braid.weight @A from "layers.{L}.A_log" transform "neg_exp" init "log_uniform:1:16" : tensor<8xf32, #braid.storage<f32>>
// CHECK-NEXT: braid.weight @up from "layers.{L}.experts.{E}.up_proj" : tensor<8x48x32xbf16, #braid.storage<nvfp4>>
// CHECK-NEXT: braid.weight @down from "layers.{L}.experts.down_proj" stacked : tensor<8x32x48xf16, #braid.storage<f16>>
// CHECK-NEXT: braid.weight @fc1 from "layers.{L}.fc1" packed tensor<1x32x32x2xbf16> table 12 prepare @braid_prepare_0 : tensor<32x64xbf16, #braid.storage<fp8>>
braid.params @moe0 layers = [1, 4, 6] {
  braid.weight @norm from "layers.{L}.norm.weight" : tensor<64xbf16, #braid.storage<bf16>>
  braid.weight @conv from "layers.{L}.conv1d.weight" transform "transpose" : tensor<4x96xbf16, #braid.storage<bf16>>
  braid.weight @A from "layers.{L}.A_log" transform "neg_exp" init "log_uniform:1:16" : tensor<8xf32, #braid.storage<f32>>
  braid.weight @up from "layers.{L}.experts.{E}.up_proj" : tensor<8x48x32xbf16, #braid.storage<nvfp4>>
  braid.weight @down from "layers.{L}.experts.down_proj" stacked : tensor<8x32x48xf16, #braid.storage<f16>>
  braid.weight @fc1 from "layers.{L}.fc1" packed tensor<1x32x32x2xbf16> table 12 prepare @braid_prepare_0 : tensor<32x64xbf16, #braid.storage<fp8>>
}

// Weights of the whole model have no layer.
// CHECK: braid.params @model layers = [-1] {
braid.params @model layers = [-1] {
  braid.weight @embedding from "embeddings.weight" : tensor<300x64xbf16, #braid.storage<bf16>>
}

// Reads carry the weight's name. Before packing they have its logical type,
// after it the packed one, as a tensor and then as a memref.
// CHECK-LABEL: func @read
// CHECK: %norm = braid.param @moe0::@norm[%{{.*}}] : tensor<64xbf16, #braid.storage<bf16>>
// CHECK: %fc1 = braid.param @moe0::@fc1[%{{.*}}] : tensor<1x32x32x2xbf16>
// CHECK: %fc1_0 = braid.param @moe0::@fc1[%{{.*}}] : memref<1x32x32x2xbf16>
func.func @read(%layer: index) {
  %0 = braid.param @moe0::@norm[%layer] : tensor<64xbf16, #braid.storage<bf16>>
  %1 = braid.param @moe0::@fc1[%layer] : tensor<1x32x32x2xbf16>
  %2 = braid.param @moe0::@fc1[%layer] : memref<1x32x32x2xbf16>
  return
}
