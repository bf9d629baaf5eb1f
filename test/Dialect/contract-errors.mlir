// RUN: braid-opt %s -verify-diagnostics -split-input-file

func.func @contract_c1_not_packed(%x: tensor<?x48xf32>, %w: tensor<64x48xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected a packed weight, found 'tensor<64x48xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<64x48xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_panels(%x: tensor<?x48xf32>, %w: tensor<1x48x32x1xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: weight 'tensor<1x48x32x1xf32>' does not cover N = 64, K = 48}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<1x48x32x1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_inputs(%x: tensor<?x48xf32>, %w: tensor<2x47x32x1xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: weight 'tensor<2x47x32x1xf32>' does not cover N = 64, K = 48}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x47x32x1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_panel_width(%x: tensor<?x48xf32>, %w: tensor<4x48x16x1xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: weight 'tensor<4x48x16x1xf32>' does not cover N = 64, K = 48}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<4x48x16x1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_odd(%x: tensor<?x47xbf16>, %w: tensor<2x24x32x2xbf16>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: weights are packed in pairs of bf16, and K = 47 is odd; f32 has no pairs (--precision=f32)}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x47xbf16>, tensor<2x24x32x2xbf16>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_ranks(%x: tensor<48xf32>, %w: tensor<2x48x32x1xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected x [T, K] or [T, k, K] and y [T, N], found 'tensor<48xf32>' and 'tensor<?x64xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<48xf32>, tensor<2x48x32x1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_dynamic(%x: tensor<?x?xf32>, %w: tensor<2x48x32x1xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected a static, positive size in dimension 1 of 'tensor<?x?xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x?xf32>, tensor<2x48x32x1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_stack(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %g0: tensor<?x4xi32>, %g1: tensor<17xi32>, %g2: tensor<17xi32>, %out: tensor<?x4x64xf32>) {
  // expected-error @+1 {{contract_c1: expected a packed weight, found 'tensor<2x48x32x1xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) grouped(%g0, %g1, %g2 : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>) outs(%out : tensor<?x4x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x4x64xf32>
  return
}

// -----

func.func @contract_c1_groups(%x: tensor<?x48xf32>, %w: tensor<16x2x48x32x1xf32>, %g0: tensor<?x4xi32>, %g1: tensor<17xi32>, %out: tensor<?x4x64xf32>) {
  // expected-error @+1 {{contract_c1: expected order, begin and active}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<16x2x48x32x1xf32>) grouped(%g0, %g1 : tensor<?x4xi32>, tensor<17xi32>) outs(%out : tensor<?x4x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x4x64xf32>
  return
}

// -----

func.func @contract_c2_arguments(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %out: tensor<?x64xbf16>) {
  // expected-error @+1 {{contract_c2: expected epilogue arguments ('f32', 'bf16')}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%out : tensor<?x64xbf16>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xbf16>
  return
}

// -----

func.func @contract_c2_extra(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %e0: tensor<?x64xbf16>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c2: expected epilogue arguments ('f32', 'bf16', 'f32')}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) extras(%e0 : tensor<?x64xbf16>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c2_yield(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c2: expected the epilogue to yield one 'f32'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c3(%x: tensor<?x48xf32>, %w: tensor<2x48x32x1xf32>, %e0: tensor<?x32xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c3: expected extras [T, N] or [N], found 'tensor<?x32xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x48x32x1xf32>) extras(%e0 : tensor<?x32xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %extra: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_f32_pairs(%x: tensor<?x48xf32>, %w: tensor<2x24x32x2xf32>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected weights of f32, or x of bf16 and weights of pairs of bf16 or words of codes, found 'tensor<2x24x32x2xf32>' and 'tensor<?x48xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x24x32x2xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_pairs_of_f32(%x: tensor<?x48xf32>, %w: tensor<2x24x32x2xbf16>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected weights of f32, or x of bf16 and weights of pairs of bf16 or words of codes, found 'tensor<2x24x32x2xbf16>' and 'tensor<?x48xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x24x32x2xbf16>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_coded_f32(%x: tensor<?x48xf32>, %w: tensor<2x13x32x4xf8E4M3FN>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected weights of f32, or x of bf16 and weights of pairs of bf16 or words of codes, found 'tensor<2x13x32x4xf8E4M3FN>' and 'tensor<?x48xf32>'}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xf32>, tensor<2x13x32x4xf8E4M3FN>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

// Without the row of scales.
func.func @contract_c1_scales(%x: tensor<?x48xbf16>, %w: tensor<2x12x32x4xf8E4M3FN>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: weight 'tensor<2x12x32x4xf8E4M3FN>' does not cover N = 64, K = 48}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xbf16>, tensor<2x12x32x4xf8E4M3FN>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_blocks(%x: tensor<?x40xbf16>, %w: tensor<2x11x32x4xf8E4M3FN>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: codes come in blocks of 16 inputs, and K = 40 is no multiple}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x40xbf16>, tensor<2x11x32x4xf8E4M3FN>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

func.func @contract_c1_other_code(%x: tensor<?x48xbf16>, %w: tensor<2x13x32x4xf8E5M2>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: expected weights of f32, or x of bf16}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xbf16>, tensor<2x13x32x4xf8E5M2>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}

// -----

// Without the row of the blocks' scales.
func.func @contract_c1_block_scales(%x: tensor<?x48xbf16>, %w: tensor<2x7x32x4xi8>, %out: tensor<?x64xf32>) {
  // expected-error @+1 {{contract_c1: weight 'tensor<2x7x32x4xi8>' does not cover N = 64, K = 48}}
  %0 = braid.packed_contract ins(%x, %w : tensor<?x48xbf16>, tensor<2x7x32x4xi8>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  } -> tensor<?x64xf32>
  return
}
