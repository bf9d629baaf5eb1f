//===- ConvColumns.h - causal_conv behind its input (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_CONVCOLUMNS_H
#define BRAID_LIB_TRANSFORMS_GPU_CONVCOLUMNS_H

#include "GPUEmitter.h"

namespace braid {

/// A convolution of which a block computes the channels whose inputs it has
/// just written, with the very sums and roundings of the op's own launch. Each
/// channel belongs to one block, which reads and writes its part of the pool.
class ConvColumns {
public:
  using Value = mlir::Value;

  ConvColumns(GPUEmitter &b, CausalConvOp op);

  /// Of `count` consecutive columns, all rows of the step. All threads of the
  /// block come by, after a barrier behind what they wrote there.
  void emit(Value column, int64_t count, Value sequences);

private:
  void channelsOfSequence(Value channel, int64_t lanes, Value sequence);

  GPUEmitter &b;
  CausalConvOp op;
  int64_t taps, channels;
  int64_t firstColumn; ///< Of the channels, in the buffer that has the input.
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_CONVCOLUMNS_H
