// RUN: braid-opt %s --materialize-storage -verify-diagnostics -split-input-file

braid.params @p layers = [0] {
  braid.weight @w from "layers.{L}.w" : tensor<64x48xf32, #braid.storage<f32>>
}
func.func @other_user(%layer: index) -> tensor<1x64x48xf32> {
  // expected-error @+1 {{a stored weight cannot be used by 'tensor.expand_shape'}}
  %w = braid.param @p::@w[%layer] : tensor<64x48xf32, #braid.storage<f32>>
  %0 = tensor.expand_shape %w [[0, 1], [2]] output_shape [1, 64, 48] : tensor<64x48xf32, #braid.storage<f32>> into tensor<1x64x48xf32>
  return %0 : tensor<1x64x48xf32>
}

// -----

braid.params @p layers = [0] {
  braid.weight @w from "layers.{L}.w" : tensor<48xf32, #braid.storage<f32>>
}
func.func @two_users(%x: tensor<?x48xf32>, %layer: index) -> (tensor<?x48xf32>, tensor<?x48xf32>) {
  // expected-error @+1 {{expected one user of a weight read}}
  %w = braid.param @p::@w[%layer] : tensor<48xf32, #braid.storage<f32>>
  %0 = braid.rms_norm ins(%x, %w : tensor<?x48xf32>, tensor<48xf32, #braid.storage<f32>>) outs(%x : tensor<?x48xf32>) {eps = 1.0} -> tensor<?x48xf32>
  %1 = braid.rms_norm ins(%0, %w : tensor<?x48xf32>, tensor<48xf32, #braid.storage<f32>>) outs(%x : tensor<?x48xf32>) {eps = 2.0} -> tensor<?x48xf32>
  return %0, %1 : tensor<?x48xf32>, tensor<?x48xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (k, n)>
#y = affine_map<(m, n, k) -> (m, n)>
braid.params @p layers = [0] {
  braid.weight @w from "layers.{L}.w" : tensor<48x64xf32, #braid.storage<f32>>
}
func.func @transposed(%x: tensor<?x48xf32>, %layer: index, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  %w = braid.param @p::@w[%layer] : tensor<48x64xf32, #braid.storage<f32>>
  // expected-error @+1 {{expected y[m, n] = sum_k x[m, k] w[n, k] with the stored weight as w}}
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xf32>, tensor<48x64xf32, #braid.storage<f32>>) outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
braid.params @p layers = [0] {
  braid.weight @w from "layers.{L}.w" : tensor<64x48xbf16, #braid.storage<bf16>>
}
func.func @narrow_accumulator(%x: tensor<?x48xbf16>, %layer: index, %out: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %zero = arith.constant 0.0 : bf16
  %init = linalg.fill ins(%zero : bf16) outs(%out : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %w = braid.param @p::@w[%layer] : tensor<64x48xbf16, #braid.storage<bf16>>
  // expected-error @+1 {{expected products to accumulate in f32, found 'tensor<?x64xbf16>'}}
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xbf16>, tensor<64x48xbf16, #braid.storage<bf16>>) outs(%init : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
braid.params @p layers = [0] {
  braid.weight @w from "layers.{L}.w" : tensor<64x48xf32, #braid.storage<f32>>
}
func.func @not_from_zero(%x: tensor<?x48xf32>, %layer: index, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = braid.param @p::@w[%layer] : tensor<64x48xf32, #braid.storage<f32>>
  // expected-error @+1 {{expected a sum that starts from zero}}
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x48xf32>, tensor<64x48xf32, #braid.storage<f32>>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

braid.params @p layers = [0] {
  braid.weight @up from "layers.{L}.{E}.up" : tensor<16x96x48xf32, #braid.storage<f32>>
}
func.func @experts_not_stored(%x: tensor<?x48xf32>, %layer: index, %i: tensor<?x4xi32>, %s: tensor<?x4xf32>, %down: tensor<16x48x96xf32>) -> tensor<?x48xf32> {
  %up = braid.param @p::@up[%layer] : tensor<16x96x48xf32, #braid.storage<f32>>
  // expected-error @+1 {{expected two stacks of weights that it alone reads}}
  %y = braid.experts ins(%x, %i, %s, %up, %down : tensor<?x48xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x48xf32, #braid.storage<f32>>, tensor<16x48x96xf32>) outs(%x : tensor<?x48xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}
