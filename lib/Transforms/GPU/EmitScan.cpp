//===- EmitScan.cpp - ssd_scan on a GPU: which form for which sequences
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitScan.h"
#include "braid/Transforms/StepFields.h"

using namespace mlir;
using namespace braid;

/// Columns of a block: 128 bytes of a row of the state. One sequence then gives
/// a large GPU a block for each of its processors.
static constexpr int64_t kColumns = 32;

/// Equal shares of the head's columns, in vectors of four.
static int64_t columnsOfBlock(int64_t headDim) {
  int64_t blocks = llvm::divideCeil(headDim, kColumns);
  return llvm::alignTo(llvm::divideCeil(headDim, blocks), 4);
}

ScanBlock::ScanBlock(GPUEmitter &b, SsdScanOp op) : b(b), op(op) {
  auto pool = cast<MemRefType>(op.getPool().getType());
  heads = pool.getDimSize(2);
  stateSize = pool.getDimSize(3);
  headDim = pool.getDimSize(4);
  groups = cast<MemRefType>(op.getB().getType()).getDimSize(1) / stateSize;
  columns = columnsOfBlock(headDim);
  lanes = std::min<int64_t>(
      4, GPUEmitter::vectorLanes({op.getX(), op.getInit(), op.getPool()},
                                 headDim));
}

void ScanBlock::takePlace(Value x, Value y) {
  Value parts = b.index(llvm::divideCeil(headDim, columns));
  sequence = y;
  head = b.div(x, parts);
  firstColumn = b.mul(b.rem(x, parts), b.index(columns));
  group = b.div(head, b.index(heads / groups));
  StepFields step(b, b.context);
  begin = step.rowBegin(sequence);
  end = step.rowBegin(b.add(sequence, b.index(1)));
  slot = step.slot(sequence);
  position = step.position(sequence);
  fresh = b.eq(position, b.index(0));
}

void ScanBlock::launch(Value sequences, const SharedMemory &memory,
                       function_ref<void()> body) {
  int64_t parts = llvm::divideCeil(headDim, columns);
  b.launch(b.index(heads * parts), sequences, memory, [&](Value x, Value y) {
    takePlace(x, y);
    body();
  });
}

bool braid::scanFitsTensorCores(SsdScanOp op) {
  auto pool = cast<ShapedType>(op.getPool().getType());
  auto x = cast<ShapedType>(op.getX().getType());
  int64_t states = pool.getDimSize(3), width = pool.getDimSize(4);
  return x.getElementType().isBF16() && states % 16 == 0 &&
         (width == 16 || width % 32 == 0) && op.getChunk() % 16 == 0;
}

/// Each form skips the sequences of the other, of which the host knows only
/// when there are none. A launch without blocks does nothing.
LogicalResult GPUEmitter::emit(SsdScanOp op) {
  bool matrix = schedule.getStrategy() == "mma";
  if (matrix && !scanFitsTensorCores(op))
    return op.emitOpError("expected bf16, states and chunks of whole tiles of "
                          "16, and 16 or a multiple of 32 columns, for tensor "
                          "cores");
  Value rows = dim(op.getX(), 0);
  Value sequences = StepFields(*this, context).sequences();
  Value none = index(0), many = index(kChunkedFrom);
  // Some sequence is short, or one that is alone.
  Value anyShort = lt(rows, mul(sequences, many));
  Value alone = eq(sequences, index(1));
  Value shortOnes = select(alone, select(anyShort, sequences, none), sequences);
  emitScanRows(*this, op, shortOnes);
  // All others have a row at least.
  Value spare = sub(rows, sequences);
  Value anyLong = lt(index(kChunkedFrom - 2), spare);
  Value longOnes = select(anyLong, sequences, none);
  if (matrix)
    emitScanMma(*this, op, longOnes);
  else
    emitScanSimt(*this, op, longOnes);
  return success();
}
