//===- NormElements.h - what all kernels of rms_norm share (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_NORMELEMENTS_H
#define BRAID_LIB_TRANSFORMS_GPU_NORMELEMENTS_H

#include "GPUEmitter.h"

namespace braid {

/// The sum of a group's squares is taken in a fixed order, by `threads` threads
/// that may be imagined: each adds the vectors whose numbers differ by
/// `threads`; then lanes of 32 are added, then these in turn.
struct NormElements {
  using Value = mlir::Value;
  NormElements(GPUEmitter &b, RmsNormOp op);

  /// f32(x), gated.
  Value load(Value row, Value column, int64_t lanes);
  /// 1 / sqrt(mean + eps) from the sum of squares.
  Value factor(Value total);
  /// w r(v factor), to be rounded.
  Value scale(Value v, Value factor, Value column);

  /// Vectors of a thread; of the last one only some threads have any.
  int64_t pieces() const { return llvm::divideCeil(width, lanes * threads); }
  bool always(int64_t piece) const {
    return (piece + 1) * lanes * threads <= width;
  }

  GPUEmitter &b;
  RmsNormOp op;
  int64_t groups, width; ///< Columns of a group.
  int64_t lanes, threads;
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_NORMELEMENTS_H
