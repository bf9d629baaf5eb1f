//===- RowProducer.h - rows that are computed where they are read (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_ROWPRODUCER_H
#define BRAID_LIB_TRANSFORMS_GPU_ROWPRODUCER_H

#include "GPUEmitter.h"
#include <memory>

namespace braid {

/// An op whose rows a block can compute for itself, with the very sums and
/// roundings of the op's own launch. Any number of threads may do it.
class RowProducer {
public:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  /// Null without an op.
  static std::unique_ptr<RowProducer> create(GPUEmitter &b,
                                             mlir::Operation *op);
  virtual ~RowProducer() = default;

  /// The buffer that the op's own launch writes.
  virtual Value result() = 0;
  /// How many elements `at` reads best.
  virtual int64_t lanes() = 0;
  /// Reserves what the block keeps about up to `rows` rows.
  virtual void reserve(SharedMemory &, int64_t rows) {}
  /// Before the first use of `at`: all threads of the block come by, with the
  /// number of rows.
  virtual void prepare(const SharedMemory &, Value rows) {}
  /// Elements in f32, to be rounded to those of the result.
  virtual Value at(Value row, Value column, int64_t lanes) = 0;
};

std::unique_ptr<RowProducer> makeNormRows(GPUEmitter &b, RmsNormOp op);
std::unique_ptr<RowProducer> makeCombinedRows(GPUEmitter &b,
                                              CombineExpertsOp op);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_ROWPRODUCER_H
