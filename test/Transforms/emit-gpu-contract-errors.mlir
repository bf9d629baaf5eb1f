// RUN: braid-opt %s --emit-gpu-kernels -verify-diagnostics

func.func private @threads_sm_90a(%step: !braid.context, %x: memref<?x48xf32>, %w: memref<2x48x32x1xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a", braid.schedule = #braid.gpu_schedule<"simt", threads = 128, blocks = 2>} {
  // expected-error @+1 {{expected a schedule of 256 threads, found 128}}
  braid.packed_contract ins(%x, %w : memref<?x48xf32>, memref<2x48x32x1xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%acc: f32, %old: f32):
    braid.yield %acc : f32
  }
  return
}
