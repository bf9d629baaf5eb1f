//===- EmitScan.h - the two forms of ssd_scan on a GPU (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_EMITSCAN_H
#define BRAID_LIB_TRANSFORMS_GPU_EMITSCAN_H

#include "GPUEmitter.h"

namespace braid {

/// Sequences with at least this many rows in a step take the matrix form. So
/// does a sequence whatever others there are: one that decodes gives the same
/// bits beside prompts.
constexpr int64_t kChunkedFrom = 8;

/// Whether the products of a chunk are of bf16 and of whole tiles.
bool scanFitsTensorCores(SsdScanOp op);

/// What both forms share: the sizes, and which part of the work is a block's:
/// at most `columns` of the P columns of one head of one sequence. Blocks that
/// share a head compute alike what does not depend on the column.
class ScanBlock {
public:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  ScanBlock(GPUEmitter &b, SsdScanOp op);

protected:
  /// A grid over the first `sequences`; `body` runs once the block knows its
  /// place.
  void launch(Value sequences, const SharedMemory &memory,
              llvm::function_ref<void()> body);

  Values state(Value n, Value column) {
    return {op.getOrdinal(), slot, head, n, b.add(firstColumn, column)};
  }
  /// Column of x and y.
  Value wide(Value column) {
    return b.add(b.mul(head, b.index(headDim)), b.add(firstColumn, column));
  }
  /// Whether a column of the block is one of the head: always, or compared.
  bool allColumns() const { return headDim % columns == 0; }
  Value exists(Value column) {
    return b.lt(b.add(firstColumn, column), b.index(headDim));
  }

  GPUEmitter &b;
  SsdScanOp op;
  int64_t heads, stateSize, headDim, groups;
  int64_t lanes;   ///< Of a vector of columns, in x, y and state.
  int64_t columns; ///< Of a block; a multiple of lanes.
  Value sequence, head, group, firstColumn, slot, begin, end, position, fresh;

private:
  void takePlace(Value x, Value y);
};

/// The recurrence, for sequences with few rows.
void emitScanRows(GPUEmitter &b, SsdScanOp op, mlir::Value sequences);
/// The matrix form, for the others: in f32, or in bf16 on tensor cores.
void emitScanSimt(GPUEmitter &b, SsdScanOp op, mlir::Value sequences);
void emitScanMma(GPUEmitter &b, SsdScanOp op, mlir::Value sequences);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_EMITSCAN_H
