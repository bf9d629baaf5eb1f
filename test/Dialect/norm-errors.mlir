// RUN: braid-opt %s -verify-diagnostics -split-input-file

func.func @dps_c1(%ids: tensor<?xi32>, %table: tensor<300x72xf32>, %out: memref<?x72xf32>) {
  // expected-error @+1 {{dps_c1: expected all operands to be tensors or all memrefs}}
  braid.gather_rows ins(%ids, %table : tensor<?xi32>, tensor<300x72xf32>) outs(%out : memref<?x72xf32>)
  return
}

// -----

func.func @dps_c2_count(%ids: tensor<?xi32>, %table: tensor<300x72xf32>, %out: tensor<?x72xf32>) {
  // expected-error @+1 {{dps_c2: expected 1 results, found 0}}
  braid.gather_rows ins(%ids, %table : tensor<?xi32>, tensor<300x72xf32>) outs(%out : tensor<?x72xf32>)
  return
}

// -----

func.func @dps_c2_type(%ids: tensor<?xi32>, %table: tensor<300x72xf32>, %out: tensor<?x72xf32>) {
  // expected-error @+1 {{dps_c2: expected result type 'tensor<?x72xf32>', found 'tensor<4x72xf32>'}}
  %0 = braid.gather_rows ins(%ids, %table : tensor<?xi32>, tensor<300x72xf32>) outs(%out : tensor<?x72xf32>) -> tensor<4x72xf32>
  return
}

// -----

func.func @gather_c1(%ids: tensor<?xi32>, %table: tensor<300x72xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{gather_c1: expected table [V, H] and y [T, H] of one width, found 'tensor<300x72xf32>' and 'tensor<?x64xf32>'}}
  %0 = braid.gather_rows ins(%ids, %table : tensor<?xi32>, tensor<300x72xf32>) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @gather_c1_dynamic(%ids: tensor<?xi32>, %table: tensor<300x?xf32>, %out: tensor<?x?xf32>) {
  // expected-error @+1 {{gather_c1: expected a static, positive size in dimension 1 of 'tensor<?x?xf32>'}}
  %0 = braid.gather_rows ins(%ids, %table : tensor<?xi32>, tensor<300x?xf32>) outs(%out : tensor<?x?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @gather_c2(%ids: tensor<?xi64>, %table: tensor<300x72xf32>, %out: tensor<?x72xf32>) {
  // expected-error @+1 {{gather_c2: expected i32 ids of rank 1, found 'tensor<?xi64>'}}
  %0 = braid.gather_rows ins(%ids, %table : tensor<?xi64>, tensor<300x72xf32>) outs(%out : tensor<?x72xf32>) -> tensor<?x72xf32>
  return
}

// -----

func.func @norm_c1_width(%x: tensor<?x64xf32>, %w: tensor<32xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{norm_c1: expected x, gate and y [T, 64] and an f32 weight [64]}}
  %0 = braid.rms_norm ins(%x, %w : tensor<?x64xf32>, tensor<32xf32>) outs(%out : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
  return
}

// -----

func.func @norm_c1_element(%x: tensor<?x64xbf16>, %w: tensor<64xbf16>, %out: tensor<?x64xbf16>) {
  // expected-error @+1 {{norm_c1: expected x, gate and y [T, 64] and an f32 weight [64]}}
  %0 = braid.rms_norm ins(%x, %w : tensor<?x64xbf16>, tensor<64xbf16>) outs(%out : tensor<?x64xbf16>) {eps = 1.0e-5} -> tensor<?x64xbf16>
  return
}

// -----

func.func @norm_c1_rank(%x: tensor<64xf32>, %w: tensor<64xf32>, %out: tensor<64xf32>) {
  // expected-error @+1 {{norm_c1: expected a static, positive size in dimension 1 of 'tensor<64xf32>'}}
  %0 = braid.rms_norm ins(%x, %w : tensor<64xf32>, tensor<64xf32>) outs(%out : tensor<64xf32>) {eps = 1.0e-5} -> tensor<64xf32>
  return
}

// -----

func.func @norm_c2(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{norm_c2: 3 groups do not divide the width 64}}
  %0 = braid.rms_norm ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%out : tensor<?x64xf32>) {eps = 1.0e-5, groups = 3} -> tensor<?x64xf32>
  return
}

// -----

func.func @norm_c3(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{norm_c3: expected a positive eps}}
  %0 = braid.rms_norm ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%out : tensor<?x64xf32>) {eps = 0.0} -> tensor<?x64xf32>
  return
}

// -----

func.func @sample_c1(%logits: tensor<?x512xbf16>, %t: tensor<?xf32>, %k: tensor<?xi32>, %ids: tensor<?xi32>) {
  // expected-error @+1 {{sample_c1: expected f32 logits [T, V], found 'tensor<?x512xbf16>'}}
  %0 = braid.sample ins(%logits, %t, %k : tensor<?x512xbf16>, tensor<?xf32>, tensor<?xi32>) outs(%ids : tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @sample_c2(%logits: tensor<?x512xf32>, %t: tensor<?xf32>, %k: tensor<?xf32>, %ids: tensor<?xi32>) {
  // expected-error @+1 {{sample_c2: expected f32 temperatures, i32 keys and i32 chosen ids of rank 1, found 'tensor<?xf32>', 'tensor<?xf32>' and 'tensor<?xi32>'}}
  %0 = braid.sample ins(%logits, %t, %k : tensor<?x512xf32>, tensor<?xf32>, tensor<?xf32>) outs(%ids : tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @tap_c1(%x: tensor<?x64xf32>, %layer: index, %dump: tensor<?x?x32xf32>) {
  // expected-error @+1 {{tap_c1: expected x [T, H] and f32 hidden [taps, T, H], found 'tensor<?x64xf32>' and 'tensor<?x?x32xf32>'}}
  %0 = braid.tap ins(%x : tensor<?x64xf32>) layer(%layer) outs(%dump : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return
}
