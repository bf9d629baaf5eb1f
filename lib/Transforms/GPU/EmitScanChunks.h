//===- EmitScanChunks.h - what the matrix forms of ssd_scan share (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_EMITSCANCHUNKS_H
#define BRAID_LIB_TRANSFORMS_GPU_EMITSCANCHUNKS_H

#include "EmitScan.h"

namespace braid {

/// A block that walks through a sequence chunk by chunk. A chunk with fewer
/// rows than others is filled up with rows of d = 0, which change nothing.
class ChunkBlock : public ScanBlock {
protected:
  using ScanBlock::ScanBlock;

  /// The longest chunk that divides the op's, is a multiple of `multiple`,
  /// and whose buffers, which `plan` lays out, fit a block.
  void chooseChunk(int64_t most, int64_t multiple,
                   llvm::function_ref<int64_t(int64_t)> plan);
  void reserveSteps();
  void takeSteps();
  /// A grid whose blocks leave sequences with few rows alone.
  void launchLong(Value sequences, llvm::function_ref<void()> body);

  /// A loop: calls `body` with the first row and the rows of each chunk, and
  /// what it carries.
  Values
  eachChunk(mlir::ValueRange init,
            llvm::function_ref<Values(Value, Value, mlir::ValueRange)> body);
  /// Calls `body` for the thread's share of `count` items.
  void share(int64_t count, llvm::function_ref<void(Value)> body);
  /// Columns of rows in global memory.
  struct Source {
    Value matrix, base; ///< And the first column there.
    int64_t whole;      ///< Columns of a group or head.
    int64_t width;      ///< Wanted,
    Value limit;        ///< and how many of them there are.
  };
  /// The group's columns of B or C, filled up to `width`.
  Source groupOf(Value matrix, int64_t width);
  /// The block's columns of x.
  Source headOfX();
  /// Calls `write` with vectors of a chunk's rows, each with its row in the
  /// chunk and its first column: the thread's share.
  void loadRows(Source from, Value first, Value rows,
                llvm::function_ref<void(Value, Value, Value)> write);
  void timeSteps(Value first, Value rows);
  void decays();
  Value plus(Value i, int64_t n) { return b.add(i, b.index(n)); }

  int64_t chunk;  ///< Rows.
  int64_t padded; ///< Rows of the buffers.
  SharedMemory memory;
  /// [padded], in shared memory: d, d A, exp(a), exp(gap to the last) d.
  Value d, steps, fall, tail;

private:
  size_t stepBuffers[4];
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_EMITSCANCHUNKS_H
