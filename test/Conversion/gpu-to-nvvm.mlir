// RUN: braid-opt %s --pass-pipeline='builtin.module(gpu.module(gpu-to-nvvm,reconcile-unrealized-casts,canonicalize))' | FileCheck %s --implicit-check-not=gpu.func --implicit-check-not=memref --implicit-check-not=arith. --implicit-check-not=vector. --implicit-check-not=unrealized

module attributes {gpu.container_module} {
  // All shared memory is one external symbol, so that nothing else overlaps it.
  // CHECK: llvm.mlir.global external @braid_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  gpu.module @sm_90a {
    // Parameters are 8 bytes: the context, a buffer's address and what is not in
    // its type, numbers.
    // CHECK: llvm.func @shift(%{{.*}}: !llvm.ptr, %[[X:.*]]: !llvm.ptr, %{{.*}}: i64, %[[Y:.*]]: !llvm.ptr, %{{.*}}: i64, %[[N:.*]]: i64) attributes
    // CHECK-SAME: braid.kernel = 3 : i64, braid.shared_bytes = 128 : i64, braid.strategy = "simt", braid.threads = 64 : i64
    // CHECK-SAME: nvvm.kernel, nvvm.maxntid = array<i32: 64, 1, 1>, nvvm.minctasm = 2 : i32
    gpu.func @shift(%step: !braid.context, %x: memref<?x64xf32>, %y: memref<?x64xbf16, strided<[128, 1], offset: 32>>, %n: index) kernel attributes {braid.kernel = 3 : i64, braid.threads = 64 : i64, braid.shared_bytes = 128 : i64, braid.blocks = 2 : i64, braid.strategy = "simt"} {
      // CHECK-DAG: %[[SHARED:.*]] = llvm.mlir.addressof @braid_shared : !llvm.ptr<3>
      // CHECK-DAG: nvvm.read.ptx.sreg.tid.x
      // CHECK-DAG: nvvm.read.ptx.sreg.ctaid.y
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : i32
      %c32 = arith.constant 32 : i32
      %t = gpu.thread_id x
      %r = gpu.block_id y
      %m = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
      %s = memref.view %m[%c0][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<32xf32, #gpu.address_space<workgroup>>
      // CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
      %v = vector.load %x[%r, %t] {alignment = 16 : i64} : memref<?x64xf32>, vector<4xf32>
      %e = vector.extract %v[0] : f32 from vector<4xf32>
      // CHECK: %[[W:.*]] = nvvm.shfl.sync bfly
      %w, %ok = gpu.shuffle xor %e, %c1, %c32 : f32
      // CHECK: llvm.store %[[W]], %[[SHARED]] : f32, !llvm.ptr<3>
      memref.store %w, %s[%c0] : memref<32xf32, #gpu.address_space<workgroup>>
      // CHECK: nvvm.barrier0
      gpu.barrier
      // Elements of 2 bytes, 32 from the start.
      // CHECK: llvm.fptrunc %[[W]] : f32 to bf16
      // CHECK: llvm.getelementptr %[[Y]][32] : (!llvm.ptr) -> !llvm.ptr, bf16
      // CHECK: llvm.mul %[[N]]
      %b = arith.truncf %w : f32 to bf16
      memref.store %b, %y[%n, %t] : memref<?x64xbf16, strided<[128, 1], offset: 32>>
      gpu.return
    }

    // A tensor map is a parameter by value, and its address what copies want.
    // CHECK: llvm.func @tiles(%[[MAP:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant})
    // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.*}}, %[[MAP]], %{{.*}}, box
    gpu.func @tiles(%map: !braid.tensor_map) kernel attributes {braid.kernel = 5 : i64, braid.threads = 1 : i64, braid.shared_bytes = 2048 : i64} {
      %c0 = arith.constant 0 : i32
      %source = builtin.unrealized_conversion_cast %map : !braid.tensor_map to !llvm.ptr
      %m = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
      %i = memref.extract_aligned_pointer_as_index %m : memref<?xi8, #gpu.address_space<workgroup>> -> index
      %a = arith.index_cast %i : index to i64
      %s = llvm.inttoptr %a : i64 to !llvm.ptr<3>
      %d = llvm.addrspacecast %s : !llvm.ptr<3> to !llvm.ptr<7>
      nvvm.cp.async.bulk.tensor.shared.cluster.global %d, %source, %s, box[%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
      gpu.return
    }

    // CHECK: llvm.func @strides(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
    // CHECK-SAME: nvvm.minctasm = 1 : i32
    gpu.func @strides(%x: memref<?x8xf32, strided<[?, 1], offset: ?>>) kernel attributes {braid.kernel = 4 : i64, braid.threads = 1 : i64, braid.shared_bytes = 0 : i64} {
      %c0 = arith.constant 0 : index
      %v = memref.load %x[%c0, %c0] : memref<?x8xf32, strided<[?, 1], offset: ?>>
      memref.store %v, %x[%c0, %c0] : memref<?x8xf32, strided<[?, 1], offset: ?>>
      gpu.return
    }
  }
}
