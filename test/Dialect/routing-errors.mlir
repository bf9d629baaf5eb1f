// RUN: braid-opt %s -verify-diagnostics -split-input-file

func.func @route_c1_bias(%logits: tensor<?x16xf32>, %bias: tensor<8xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>) {
  // expected-error @+1 {{route_c1: expected f32 logits [T, E] and bias [E], found 'tensor<?x16xf32>' and 'tensor<8xf32>'}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<8xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x4xf32>) {scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return
}

// -----

func.func @route_c1_logits(%logits: tensor<?x16xbf16>, %bias: tensor<16xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>) {
  // expected-error @+1 {{route_c1: expected f32 logits [T, E] and bias [E], found 'tensor<?x16xbf16>' and 'tensor<16xf32>'}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xbf16>, tensor<16xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x4xf32>) {scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return
}

// -----

func.func @route_c1_dynamic(%logits: tensor<?x?xf32>, %bias: tensor<16xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>) {
  // expected-error @+1 {{route_c1: expected a static, positive size in dimension 1 of 'tensor<?x?xf32>'}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x?xf32>, tensor<16xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x4xf32>) {scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return
}

// -----

func.func @route_c2_shapes(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x5xf32>) {
  // expected-error @+1 {{route_c2: expected i32 ids and f32 weights [T, k] with k <= 16, found 'tensor<?x4xi32>' and 'tensor<?x5xf32>'}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x5xf32>) {scale = 1.0} -> tensor<?x4xi32>, tensor<?x5xf32>
  return
}

// -----

func.func @route_c2_count(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %ids: tensor<?x17xi32>, %weights: tensor<?x17xf32>) {
  // expected-error @+1 {{route_c2: expected i32 ids and f32 weights [T, k] with k <= 16, found 'tensor<?x17xi32>' and 'tensor<?x17xf32>'}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%ids, %weights : tensor<?x17xi32>, tensor<?x17xf32>) {scale = 1.0} -> tensor<?x17xi32>, tensor<?x17xf32>
  return
}

// -----

func.func @route_c3_groups(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>) {
  // expected-error @+1 {{route_c3: expected groups that divide 16 experts and group_k <= groups, found 3 and 1}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 3, scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return
}

// -----

func.func @route_c3_chosen(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>) {
  // expected-error @+1 {{route_c3: expected groups that divide 16 experts and group_k <= groups, found 4 and 5}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 4, group_k = 5, scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return
}

// -----

func.func @route_c4(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>) {
  // expected-error @+1 {{route_c4: 1 groups of 2 experts hold fewer than 4}}
  %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%ids, %weights : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 8, group_k = 1, scale = 1.0} -> tensor<?x4xi32>, tensor<?x4xf32>
  return
}

// -----

func.func @experts_c1(%x: tensor<?x64xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>, %up: tensor<16x96x64xf32>, %down: tensor<16x96x64xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{experts_c1: expected up [E, I, X] and down [E, X, I], found 'tensor<16x96x64xf32>' and 'tensor<16x96x64xf32>'}}
  %0 = braid.experts ins(%x, %ids, %weights, %up, %down : tensor<?x64xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x64xf32>, tensor<16x96x64xf32>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @experts_c2(%x: tensor<?x32xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x4xf32>, %up: tensor<16x96x64xf32>, %down: tensor<16x64x96xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{experts_c2: expected x and y [T, 64], found 'tensor<?x32xf32>' and 'tensor<?x64xf32>'}}
  %0 = braid.experts ins(%x, %ids, %weights, %up, %down : tensor<?x32xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x64xf32>, tensor<16x64x96xf32>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @experts_c3(%x: tensor<?x64xf32>, %ids: tensor<?x4xi32>, %weights: tensor<?x3xf32>, %up: tensor<16x96x64xf32>, %down: tensor<16x64x96xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{experts_c3: expected i32 ids and f32 weights [T, k], found 'tensor<?x4xi32>' and 'tensor<?x3xf32>'}}
  %0 = braid.experts ins(%x, %ids, %weights, %up, %down : tensor<?x64xf32>, tensor<?x4xi32>, tensor<?x3xf32>, tensor<16x96x64xf32>, tensor<16x64x96xf32>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @group_c1_shape(%ids: tensor<?x4xi32>, %order: tensor<?x4xi32>, %begin: tensor<17xi32>, %active: tensor<16xi32>) {
  // expected-error @+1 {{group_c1: expected order shaped like ids, begin and active [E + 1]}}
  %0:3 = braid.group_rows ins(%ids : tensor<?x4xi32>) outs(%order, %begin, %active : tensor<?x4xi32>, tensor<17xi32>, tensor<16xi32>) -> tensor<?x4xi32>, tensor<17xi32>, tensor<16xi32>
  return
}

// -----

func.func @group_c1_element(%ids: tensor<?x4xi32>, %order: tensor<?x4xi64>, %begin: tensor<17xi32>, %active: tensor<17xi32>) {
  // expected-error @+1 {{group_c1: expected i32, found 'tensor<?x4xi64>'}}
  %0:3 = braid.group_rows ins(%ids : tensor<?x4xi32>) outs(%order, %begin, %active : tensor<?x4xi64>, tensor<17xi32>, tensor<17xi32>) -> tensor<?x4xi64>, tensor<17xi32>, tensor<17xi32>
  return
}

// -----

func.func @combine_c1(%parts: tensor<?x4x64xf32>, %weights: tensor<?x3xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{combine_c1: expected parts [T, k, X], f32 weights [T, k], y [T, X]}}
  %0 = braid.combine_experts ins(%parts, %weights : tensor<?x4x64xf32>, tensor<?x3xf32>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}
