//===- RowRuns.h - runs of rows of one sequence (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_ROWRUNS_H
#define BRAID_LIB_TRANSFORMS_GPU_ROWRUNS_H

#include "GPUEmitter.h"

namespace braid {

/// Rows [first, last) of a sequence whose rows are [begin, end).
struct RowRun {
  mlir::Value sequence, begin, end, first, last;
};

/// Cuts the rows of each sequence into runs of `length`, from its first row on;
/// the last run may be shorter. The host knows rows and sequences, not which
/// rows are whose, so it counts on the largest number of runs; those that are
/// too many have no rows.
class RowRuns {
public:
  using Value = mlir::Value;
  RowRuns(GPUEmitter &b, int64_t length) : b(b), length(length) {}

  /// On the host: how many numbers there are.
  Value count(Value rows, Value sequences);
  /// On the device: the run of a number, whose rows may be none.
  RowRun at(Value number);

private:
  /// Number of a sequence's first run: floor(begin / L) + sequence. From one
  /// sequence of n rows to the next that grows by at least floor(n / L) + 1,
  /// which is enough for ceil(n / L) runs.
  Value firstOf(Value sequence);
  Value sequenceOf(Value number);

  GPUEmitter &b;
  int64_t length;
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_ROWRUNS_H
