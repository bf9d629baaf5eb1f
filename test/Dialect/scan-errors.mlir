// RUN: braid-opt %s -verify-diagnostics -split-input-file

func.func @conv_c1_output(%x: tensor<?x96xf32>, %w: tensor<4x96xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x64xf32>, %pool: tensor<6x?x3x96xf32>) {
  // expected-error @+1 {{conv_c1: expected x, y [T, 96], weight [K, 96], bias [96], pool [L, S, K-1, 96]}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x96xf32>, tensor<4x96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x64xf32>, tensor<6x?x3x96xf32>) -> tensor<?x64xf32>, tensor<6x?x3x96xf32>
  return
}

// -----

func.func @conv_c1_weight(%x: tensor<?x96xf32>, %w: tensor<4x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %pool: tensor<6x?x3x96xf32>) {
  // expected-error @+1 {{conv_c1: expected x, y [T, 96], weight [K, 96], bias [96], pool [L, S, K-1, 96]}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x96xf32>, tensor<4x64xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xf32>, tensor<6x?x3x96xf32>) -> tensor<?x96xf32>, tensor<6x?x3x96xf32>
  return
}

// -----

func.func @conv_c1_bias(%x: tensor<?x96xf32>, %w: tensor<4x96xf32>, %b: tensor<64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %pool: tensor<6x?x3x96xf32>) {
  // expected-error @+1 {{conv_c1: expected x, y [T, 96], weight [K, 96], bias [96], pool [L, S, K-1, 96]}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x96xf32>, tensor<4x96xf32>) bias(%b : tensor<64xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xf32>, tensor<6x?x3x96xf32>) -> tensor<?x96xf32>, tensor<6x?x3x96xf32>
  return
}

// -----

func.func @conv_c1_pool(%x: tensor<?x96xf32>, %w: tensor<4x96xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %pool: tensor<6x?x3x64xf32>) {
  // expected-error @+1 {{conv_c1: expected x, y [T, 96], weight [K, 96], bias [96], pool [L, S, K-1, 96]}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x96xf32>, tensor<4x96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xf32>, tensor<6x?x3x64xf32>) -> tensor<?x96xf32>, tensor<6x?x3x64xf32>
  return
}

// -----

func.func @conv_c1_dynamic(%x: tensor<?x?xf32>, %w: tensor<4x96xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %pool: tensor<6x?x3x96xf32>) {
  // expected-error @+1 {{conv_c1: expected a static, positive size in dimension 1 of 'tensor<?x?xf32>'}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x?xf32>, tensor<4x96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xf32>, tensor<6x?x3x96xf32>) -> tensor<?x96xf32>, tensor<6x?x3x96xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<?x96xf32>, %w: tensor<4x96xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %pool: tensor<6x?x4x96xf32>) {
  // expected-error @+1 {{conv_c2: a convolution of 4 taps needs a pool of 3 rows, found 4}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x96xf32>, tensor<4x96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xf32>, tensor<6x?x4x96xf32>) -> tensor<?x96xf32>, tensor<6x?x4x96xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<?x96xf32>, %w: tensor<4x96xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %pool: tensor<6x?x3x96xbf16>) {
  // expected-error @+1 {{conv_c3: expected the pool's elements to be those of x, 'f32', found 'bf16'}}
  %0:2 = braid.causal_conv ins(%x, %w : tensor<?x96xf32>, tensor<4x96xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x96xf32>, tensor<6x?x3x96xbf16>) -> tensor<?x96xf32>, tensor<6x?x3x96xbf16>
  return
}

// -----

func.func @scan_c1_pool(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x512xf32>) {
  // expected-error @+1 {{scan_c1: expected a pool [L, S, nh, N, P], found 'tensor<6x?x8x512xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x512xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x512xf32>
  return
}

// -----

func.func @scan_c1_width(%x: tensor<?x128xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c1: expected x and y [T, 8*32], found 'tensor<?x128xf32>' and 'tensor<?x256xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x128xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c1_empty_state(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x0x32xf32>) {
  // expected-error @+1 {{scan_c1: expected a static, positive size in dimension 3 of 'tensor<6x?x8x0x32xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x0x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x0x32xf32>
  return
}

// -----

func.func @scan_c2_differ(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x64xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c2: expected B and C [T, G*16] with G dividing 8, found 'tensor<?x32xf32>' and 'tensor<?x64xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x64xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c2_groups(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x48xf32>, %C: tensor<?x48xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c2: expected B and C [T, G*16] with G dividing 8, found 'tensor<?x48xf32>' and 'tensor<?x48xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x48xf32>, tensor<?x48xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c3_dt(%x: tensor<?x256xf32>, %dt: tensor<?x4xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c3: expected dt [T, 8], found 'tensor<?x4xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x4xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c3_A(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<4xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c3: expected A, D, dt_bias to be f32 [8], found 'tensor<4xf32>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<4xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c3_D(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xbf16>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c3: expected A, D, dt_bias to be f32 [8], found 'tensor<8xbf16>'}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xbf16>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c4(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c4: expected a positive chunk}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 0, dt_min = 0.001, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}

// -----

func.func @scan_c5(%x: tensor<?x256xf32>, %dt: tensor<?x8xf32>, %A: tensor<8xf32>, %B: tensor<?x32xf32>, %C: tensor<?x32xf32>, %D: tensor<8xf32>, %dt_bias: tensor<8xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x256xf32>, %pool: tensor<6x?x8x16x32xf32>) {
  // expected-error @+1 {{scan_c5: expected dt_min <= dt_max}}
  %0:2 = braid.ssd_scan ins(%x, %dt, %A, %B, %C, %D, %dt_bias : tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>) batch(%batch) layer(%layer) outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.2, dt_max = 0.1} -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
  return
}
