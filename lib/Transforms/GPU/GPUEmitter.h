//===- GPUEmitter.h - one emitter per compute op (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_GPUEMITTER_H
#define BRAID_LIB_TRANSFORMS_GPU_GPUEMITTER_H

#include "braid/Dialect/Braid.h"
#include "braid/Transforms/LoopBuilder.h"

namespace braid {

/// Threads that run in step.
constexpr int64_t kWarp = 32;

/// Typed buffers in a block's shared memory, laid out one after another.
class SharedMemory {
public:
  /// Reserves a buffer; returns its number. All before the launch is built.
  size_t reserve(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// The same, from the place of buffer `other` on: what lies there must be done
  /// with when this buffer is written.
  size_t reserveOver(size_t other, llvm::ArrayRef<int64_t> shape,
                     mlir::Type element);
  int64_t bytes() const { return size; }

private:
  friend class GPUEmitter;
  llvm::SmallVector<std::pair<mlir::MemRefType, int64_t>> buffers;
  int64_t size = 0;
};

/// Emits one kernel for a GPU. Outside of `launch` the builder writes host
/// code, where the op was; inside, what one thread does.
class GPUEmitter : public LoopBuilder {
public:
  GPUEmitter(mlir::Operation *op, mlir::Value context)
      : LoopBuilder(op->getLoc(), op), context(context) {
    begin(op);
  }

  /// What follows is of this op of the kernel, in the same place.
  void begin(mlir::Operation *op);

  void emit(RmsNormOp op);
  void emit(GatherRowsOp op);
  void emit(SampleOp op);
  void emit(TapOp op);
  void emit(CombineExpertsOp op);
  void emit(RouteOp op);
  void emit(GroupRowsOp op);
  void emitRouting(RouteOp route, GroupRowsOp group);
  void emit(CausalConvOp op);
  mlir::LogicalResult emit(SsdScanOp op);
  mlir::LogicalResult emit(AttentionOp op);

  /// A grid of x * y blocks; `body` gets the block's two numbers. Blocks run in
  /// any order and at the same time. `part` names the launch, `member` its op if
  /// that is independent of others of the kernel.
  void launch(Value x, Value y, const SharedMemory &shared,
              llvm::function_ref<void(Value, Value)> body);

  /// Memory that the launches of this kernel share: it lies behind all else in
  /// the step's arena. Its contents are undefined at first.
  Value scratch(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  int64_t scratchBytes() const { return scratchEnd; }

  // Inside a launch.
  Value thread();
  /// The buffer that was reserved under that number; `shift` bytes further, if
  /// there is one for each of several users.
  Value shared(const SharedMemory &memory, size_t number, Value shift = {});
  /// The address of its byte `offset`, an index.
  Value sharedAddress(const SharedMemory &memory, size_t number, Value offset);
  /// Waits until all threads of the block are here; their writes are then seen.
  void barrier();
  /// `v` of the lane whose number differs in the bits `mask`.
  Value shuffleXor(Value v, int64_t mask);
  /// The sum of `v` over the block, in an order that depends on nothing but the
  /// number of threads; every thread gets it. `partial` is shared memory for
  /// one f32 a warp. All threads have to come by.
  Value blockSum(Value v, Value partial);
  /// The thread's place in its warp, i32; and the number of that warp, index.
  Value lane();
  Value warp();
  /// As `barrier`, for the warp.
  void syncWarp();
  // Over the lanes of a warp, all of which have to come by; i32.
  Value sumWarp(Value v);
  /// The sum of `v` over the lower lanes.
  Value sumBefore(Value v);
  /// One bit for each lane that brings the same value, itself included.
  Value lanesWith(Value v);

  /// The largest power of two, at most 16 bytes of the narrowest element, such
  /// that a row of each of the buffers can be read in vectors of that length.
  static int64_t vectorLanes(mlir::ValueRange buffers, int64_t width);
  /// As loadVector, loadRaw and storeVector of LoopBuilder, in one access.
  Value loadAligned(Value memref, Indices at, int64_t lanes);
  Value loadRawAligned(Value memref, Indices at, int64_t lanes);
  void storeAligned(Value vector, Value memref, Indices at);
  /// The same in accesses of at most `lanes` elements each.
  void storePieces(Value vector, Value memref, Indices at, int64_t lanes);

  Value context;
  GPUScheduleAttr schedule;
  int64_t threads;
  /// Blocks that a multiprocessor should hold at least, if not as the schedule
  /// says.
  std::optional<int64_t> blocks;
  std::string part, opName;
  std::optional<int64_t> member;

private:
  int64_t scratchEnd = 0;
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_GPUEMITTER_H
