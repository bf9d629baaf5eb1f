//===- Routing.h - choosing experts and sorting rows by them (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_ROUTING_H
#define BRAID_LIB_TRANSFORMS_GPU_ROUTING_H

#include "GPUEmitter.h"

namespace braid {

/// A warp chooses the experts of one row after another.
class RouteWarps {
public:
  RouteWarps(GPUEmitter &b, RouteOp op);
  /// Bytes of shared memory that each warp has to itself.
  int64_t frameBytes() const { return frame.bytes(); }
  void reserve(SharedMemory &memory, int64_t warps) {
    memory.reserve({warps * frameBytes()}, b.getI8Type());
  }
  /// The frames have to be the first that has been reserved.
  void emit(mlir::Value row, mlir::Value frameNumber);

private:
  GPUEmitter &b;
  RouteOp op;
  SharedMemory frame;
  size_t ids, shares, score, groupScore, takesPart;
};

/// A block sorts all (row, choice) pairs.
class GroupRowsBlock {
public:
  GroupRowsBlock(GPUEmitter &b, GroupRowsOp op);
  void reserve(SharedMemory &memory);
  void emit(const SharedMemory &memory);

private:
  GPUEmitter &b;
  GroupRowsOp op;
  int64_t experts;
  size_t counts = 0, starts = 0;
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_ROUTING_H
