// RUN: braid-opt %s --outline-launches | FileCheck %s
// RUN: braid-opt %s --pass-pipeline="builtin.module(outline-launches,gpu.module(gpu-to-nvvm))" | FileCheck %s --check-prefix=NVVM

// A weight in every call, even through a view, is written by nobody while the
// kernel runs. @mixed is called with an activation as well.

// CHECK: gpu.func @always(%{{.*}}: memref<4x64xf32> {llvm.noalias, llvm.readonly}, %{{.*}}: memref<?x64xf32>)
// CHECK: gpu.func @mixed(%{{.*}}: memref<256xf32>, %{{.*}}: memref<?x64xf32>)
// NVVM: llvm.func @always(%{{.*}}: !llvm.ptr {llvm.noalias, llvm.readonly}, %{{.*}}: !llvm.ptr, %{{.*}}: i64)
// NVVM: llvm.func @mixed(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64)

module attributes {braid.gpu_targets = ["sm_90a"]} {
  func.func private @block(%step: !braid.context, %layer: index, %rows: index) attributes {braid.target = "sm_90a"} {
    %w = braid.weight_view %step[3 + %layer] : memref<256xf32>
    %t = braid.arena_view %step at 128 + 0 * rows : memref<256xf32>
    %y = braid.arena_view %step at 2048 + 512 * rows sizes(%rows) : memref<?x64xf32>
    call @always_sm_90a(%step, %w, %y) : (!braid.context, memref<256xf32>, memref<?x64xf32>) -> ()
    call @always_sm_90a(%step, %w, %y) : (!braid.context, memref<256xf32>, memref<?x64xf32>) -> ()
    call @mixed_sm_90a(%step, %w, %y) : (!braid.context, memref<256xf32>, memref<?x64xf32>) -> ()
    call @mixed_sm_90a(%step, %t, %y) : (!braid.context, memref<256xf32>, memref<?x64xf32>) -> ()
    return
  }

  func.func private @always_sm_90a(%step: !braid.context, %w: memref<256xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 0 : i64, braid.blocks = 1 : i64, braid.target = "sm_90a"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %none = arith.constant 0 : i32
    %rows = memref.expand_shape %w [[0, 1]] output_shape [4, 64] : memref<256xf32> into memref<4x64xf32>
    gpu.launch blocks(%a, %b, %c) in (%d = %c1, %e = %c1, %f = %c1) threads(%g, %h, %i) in (%j = %c32, %k = %c1, %l = %c1) dynamic_shared_memory_size %none {
      %v = memref.load %rows[%c0, %g] : memref<4x64xf32>
      memref.store %v, %y[%c0, %g] : memref<?x64xf32>
      gpu.terminator
    }
    return
  }

  func.func private @mixed_sm_90a(%step: !braid.context, %w: memref<256xf32>, %y: memref<?x64xf32>) attributes {braid.kernel = 1 : i64, braid.blocks = 1 : i64, braid.target = "sm_90a"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %none = arith.constant 0 : i32
    gpu.launch blocks(%a, %b, %c) in (%d = %c1, %e = %c1, %f = %c1) threads(%g, %h, %i) in (%j = %c32, %k = %c1, %l = %c1) dynamic_shared_memory_size %none {
      %v = memref.load %w[%g] : memref<256xf32>
      memref.store %v, %y[%c0, %g] : memref<?x64xf32>
      gpu.terminator
    }
    return
  }
}
