// RUN: braid-opt %s -verify-diagnostics -split-input-file

func.func @attention_c1(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x32xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x128xf32>, %ks: tensor<3x?x2x?x32xf32>, %vs: tensor<3x?x2x?x32xf32>) {
  // expected-error @+1 {{attention_c1: expected k and v [T, 2*32], found 'tensor<?x64xf32>' and 'tensor<?x32xf32>'}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x32xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.5} -> tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
  return
}

// -----

func.func @attention_c2_heads(%q: tensor<?x96xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x96xf32>, %ks: tensor<3x?x2x?x32xf32>, %vs: tensor<3x?x2x?x32xf32>) {
  // expected-error @+1 {{attention_c2: expected q and y [T, nq*32] with nq a multiple of 2, found 'tensor<?x96xf32>' and 'tensor<?x96xf32>'}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x96xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x96xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.5} -> tensor<?x96xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
  return
}

// -----

func.func @attention_c2_output(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x64xf32>, %ks: tensor<3x?x2x?x32xf32>, %vs: tensor<3x?x2x?x32xf32>) {
  // expected-error @+1 {{attention_c2: expected q and y [T, nq*32] with nq a multiple of 2, found 'tensor<?x128xf32>' and 'tensor<?x64xf32>'}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x64xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.5} -> tensor<?x64xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
  return
}

// -----

func.func @attention_c3_differ(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x128xf32>, %ks: tensor<3x?x2x?x32xf32>, %vs: tensor<3x?x2x?x32xbf16>) {
  // expected-error @+1 {{attention_c3: expected two pools [L, S, nkv, C, hd] of one type, found 'tensor<3x?x2x?x32xf32>' and 'tensor<3x?x2x?x32xbf16>'}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xbf16>) {scale = 0.5} -> tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xbf16>
  return
}

// -----

func.func @attention_c3_rank(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x128xf32>, %ks: tensor<3x?x2x32xf32>, %vs: tensor<3x?x2x32xf32>) {
  // expected-error @+1 {{attention_c3: expected two pools [L, S, nkv, C, hd] of one type, found 'tensor<3x?x2x32xf32>' and 'tensor<3x?x2x32xf32>'}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x2x32xf32>, tensor<3x?x2x32xf32>) {scale = 0.5} -> tensor<?x128xf32>, tensor<3x?x2x32xf32>, tensor<3x?x2x32xf32>
  return
}

// -----

func.func @attention_c3_no_heads(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x128xf32>, %ks: tensor<3x?x0x?x32xf32>, %vs: tensor<3x?x0x?x32xf32>) {
  // expected-error @+1 {{attention_c3: expected a static, positive size in dimension 2 of 'tensor<3x?x0x?x32xf32>'}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x0x?x32xf32>, tensor<3x?x0x?x32xf32>) {scale = 0.5} -> tensor<?x128xf32>, tensor<3x?x0x?x32xf32>, tensor<3x?x0x?x32xf32>
  return
}

// -----

func.func @attention_c4(%q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>, %batch: !braid.batch, %layer: index, %out: tensor<?x128xf32>, %ks: tensor<3x?x2x?x32xf32>, %vs: tensor<3x?x2x?x32xf32>) {
  // expected-error @+1 {{attention_c4: expected a positive scale}}
  %0:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>) batch(%batch) layer(%layer) outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.0} -> tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
  return
}
