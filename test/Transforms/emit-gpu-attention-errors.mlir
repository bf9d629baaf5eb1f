// RUN: braid-opt %s --emit-gpu-kernels -split-input-file -verify-diagnostics

func.func private @odd_sm_90a(%step: !braid.context, %q: memref<?x36xf32>, %k: memref<?x18xf32>, %v: memref<?x18xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x36xf32>, %ks: memref<3x?x1x?x18xf32>, %vs: memref<3x?x1x?x18xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  // expected-error @+1 {{needs a head dimension that is a multiple of 4, at most 128}}
  braid.attention ins(%q, %k, %v : memref<?x36xf32>, memref<?x18xf32>, memref<?x18xf32>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x36xf32>, memref<3x?x1x?x18xf32>, memref<3x?x1x?x18xf32>) {scale = 0.5}
  return
}

// -----

func.func private @wide_sm_90a(%step: !braid.context, %q: memref<?x256xf32>, %k: memref<?x256xf32>, %v: memref<?x256xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x256xf32>, %ks: memref<3x?x1x?x256xf32>, %vs: memref<3x?x1x?x256xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  // expected-error @+1 {{needs a head dimension that is a multiple of 4, at most 128}}
  braid.attention ins(%q, %k, %v : memref<?x256xf32>, memref<?x256xf32>, memref<?x256xf32>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x256xf32>, memref<3x?x1x?x256xf32>, memref<3x?x1x?x256xf32>) {scale = 0.5}
  return
}

// -----

func.func private @shared_sm_90a(%step: !braid.context, %q: memref<?x528xf32>, %k: memref<?x8xf32>, %v: memref<?x8xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x528xf32>, %ks: memref<3x?x1x?x8xf32>, %vs: memref<3x?x1x?x8xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  // expected-error @+1 {{has more than 64 query heads for a key head}}
  braid.attention ins(%q, %k, %v : memref<?x528xf32>, memref<?x8xf32>, memref<?x8xf32>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x528xf32>, memref<3x?x1x?x8xf32>, memref<3x?x1x?x8xf32>) {scale = 0.5}
  return
}

// -----

// Copies to shared memory are of 4 bytes at least.
func.func private @strided_sm_90a(%step: !braid.context, %q: memref<?x16xbf16, strided<[17, 1]>>, %k: memref<?x16xbf16>, %v: memref<?x16xbf16>, %batch: !braid.batch, %layer: index, %y: memref<?x16xbf16>, %ks: memref<3x?x1x?x16xbf16>, %vs: memref<3x?x1x?x16xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 128, blocks = 2>} {
  // expected-error @+1 {{needs rows whose elements can be read in pairs}}
  braid.attention ins(%q, %k, %v : memref<?x16xbf16, strided<[17, 1]>>, memref<?x16xbf16>, memref<?x16xbf16>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x16xbf16>, memref<3x?x1x?x16xbf16>, memref<3x?x1x?x16xbf16>) {scale = 0.5}
  return
}

// -----

// Tensor cores would round.
func.func private @exact_sm_90a(%step: !braid.context, %q: memref<?x16xf32>, %k: memref<?x16xf32>, %v: memref<?x16xf32>, %batch: !braid.batch, %layer: index, %y: memref<?x16xf32>, %ks: memref<3x?x1x?x16xf32>, %vs: memref<3x?x1x?x16xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 128, blocks = 2>} {
  // expected-error @+1 {{has operands that are not bf16: the schedule cannot be mma}}
  braid.attention ins(%q, %k, %v : memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x16xf32>, memref<3x?x1x?x16xf32>, memref<3x?x1x?x16xf32>) {scale = 0.5}
  return
}

// -----

// A tile of 64 queries is four warps of them.
func.func private @threads_sm_90a(%step: !braid.context, %q: memref<?x16xbf16>, %k: memref<?x16xbf16>, %v: memref<?x16xbf16>, %batch: !braid.batch, %layer: index, %y: memref<?x16xbf16>, %ks: memref<3x?x1x?x16xbf16>, %vs: memref<3x?x1x?x16xbf16>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"mma", threads = 64, blocks = 2>} {
  // expected-error @+1 {{needs blocks of 128 threads}}
  braid.attention ins(%q, %k, %v : memref<?x16xbf16>, memref<?x16xbf16>, memref<?x16xbf16>) batch(%batch) layer(%layer) outs(%y, %ks, %vs : memref<?x16xbf16>, memref<3x?x1x?x16xbf16>, memref<3x?x1x?x16xbf16>) {scale = 0.5}
  return
}
