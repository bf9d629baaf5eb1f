// RUN: braid-opt %s -verify-diagnostics -split-input-file

// expected-error @+1 {{params_c1: expected ascending layers, or [-1], found []}}
braid.params @params_c1_none layers = [] {
}

// -----

// expected-error @+1 {{params_c1: expected ascending layers, or [-1], found [1, 1]}}
braid.params @params_c1_twice layers = [1, 1] {
}

// -----

// expected-error @+1 {{params_c1: expected ascending layers, or [-1], found [-1, 2]}}
braid.params @params_c1_mixed layers = [-1, 2] {
}

// -----

braid.params @params_c2 layers = [0] {
  // expected-error @+1 {{params_c2: expected 'braid.weight' alone in 'braid.params'}}
  %0 = arith.constant 1.0 : f32
}

// -----

braid.params @params_c3_layer layers = [0, 1] {
  // expected-error @+1 {{params_c3: a source of a layer's weight needs '{L}', found 'norm.weight'}}
  braid.weight @norm from "norm.weight" : tensor<64xf32, #braid.storage<f32>>
}

// -----

braid.params @params_c3_model layers = [-1] {
  // expected-error @+1 {{params_c3: a source of the whole model has no '{L}', found 'layers.{L}.norm.weight'}}
  braid.weight @norm from "layers.{L}.norm.weight" : tensor<64xf32, #braid.storage<f32>>
}

// -----

braid.params @weight_c1_encoding layers = [0] {
  // expected-error @+1 {{weight_c1: expected a static type with a #braid.storage encoding, found 'tensor<64xf32>'}}
  braid.weight @norm from "layers.{L}.norm.weight" : tensor<64xf32>
}

// -----

braid.params @weight_c1_dynamic layers = [0] {
  // expected-error @+1 {{weight_c1: expected a static type with a #braid.storage encoding, found 'tensor<?xf32, #braid.storage<f32>>'}}
  braid.weight @norm from "layers.{L}.norm.weight" : tensor<?xf32, #braid.storage<f32>>
}

// -----

braid.params @weight_c2_missing layers = [0] {
  // expected-error @+1 {{weight_c2: a source of a stack needs '{E}', found 'layers.{L}.up'}}
  braid.weight @up from "layers.{L}.up" : tensor<8x48x32xf32, #braid.storage<f32>>
}

// -----

braid.params @weight_c2_surplus layers = [0] {
  // expected-error @+1 {{weight_c2: a source without a stack has no '{E}', found 'layers.{L}.{E}.up'}}
  braid.weight @up from "layers.{L}.{E}.up" stacked : tensor<8x48x32xf32, #braid.storage<f32>>
}

// -----

braid.params @weight_c3_unknown layers = [0] {
  // expected-error @+1 {{weight_c3: expected neg_exp, or transpose of a matrix in one tensor, found 'exp' of 'tensor<8xf32, #braid.storage<f32>>'}}
  braid.weight @A from "layers.{L}.A" transform "exp" : tensor<8xf32, #braid.storage<f32>>
}

// -----

braid.params @weight_c3_vector layers = [0] {
  // expected-error @+1 {{weight_c3: expected neg_exp, or transpose of a matrix in one tensor, found 'transpose' of 'tensor<8xf32, #braid.storage<f32>>'}}
  braid.weight @A from "layers.{L}.A" transform "transpose" : tensor<8xf32, #braid.storage<f32>>
}

// -----

braid.params @weight_c3_fp8 layers = [0] {
  // expected-error @+1 {{weight_c3: expected neg_exp, or transpose of a matrix in one tensor, found 'transpose' of 'tensor<4x96xbf16, #braid.storage<fp8>>'}}
  braid.weight @conv from "layers.{L}.conv1d" transform "transpose" : tensor<4x96xbf16, #braid.storage<fp8>>
}

// -----

braid.params @weight_c3_nvfp4 layers = [0] {
  // expected-error @+1 {{weight_c3: expected neg_exp, or transpose of a matrix in one tensor, found 'transpose' of 'tensor<4x96xbf16, #braid.storage<nvfp4>>'}}
  braid.weight @conv from "layers.{L}.conv1d" transform "transpose" : tensor<4x96xbf16, #braid.storage<nvfp4>>
}

// -----

func.func @param_c1(%layer: index) {
  // expected-error @+1 {{param_c1: @moe0::@norm is not a weight}}
  %0 = braid.param @moe0::@norm[%layer] : tensor<64xf32, #braid.storage<f32>>
  return
}

// -----

braid.params @p layers = [0] {
  braid.weight @norm from "layers.{L}.norm" : tensor<64xf32, #braid.storage<f32>>
}
func.func @param_c2(%layer: index) {
  // expected-error @+1 {{param_c2: expected 'tensor<64xf32, #braid.storage<f32>>', the type of @p::@norm, found 'tensor<64xf32>'}}
  %0 = braid.param @p::@norm[%layer] : tensor<64xf32>
  return
}

// -----

braid.params @p layers = [0] {
  braid.weight @fc1 from "layers.{L}.fc1" packed tensor<1x64x32x1xf32> : tensor<32x64xf32, #braid.storage<f32>>
}
func.func @param_c2_packed(%layer: index) {
  // expected-error @+1 {{param_c2: expected 'tensor<1x64x32x1xf32>', the type of @p::@fc1, found 'memref<32x64xf32>'}}
  %0 = braid.param @p::@fc1[%layer] : memref<32x64xf32>
  return
}
