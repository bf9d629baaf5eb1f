//===- EmitScanRows.cpp - the recurrence of ssd_scan on a GPU
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitScan.h"
#include "braid/Transforms/TimeStep.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

namespace {

/// A thread holds a vector of columns of several consecutive rows of the state
/// in registers, from the sequence's first row to its last: the state passes by
/// once, with all loads under way at the same time. Their share of y is summed
/// over the warp by shuffles and over the block in shared memory.
class ScanRows : ScanBlock {
public:
  ScanRows(GPUEmitter &b, SsdScanOp op);
  void emit(Value sequences);

private:
  void sequenceRows();
  Values loadState();
  void storeState(ValueRange values);
  Values row(Value t, ValueRange values);
  Values run(Value matrix, Value t);
  Value sumOverWarp(Value share);
  void output(Value t, Value share, Value x);

  Value slice(int64_t i) { return b.add(firstN, b.index(i)); }
  /// Whether some threads have nothing to do.
  bool someIdle() const {
    return slices * vectors < b.threads || !allColumns();
  }

  int64_t vectors; ///< Of the block's columns.
  int64_t steps;   ///< Rows of the state of a thread.
  int64_t slices;  ///< Threads over the rows of the state.
  bool shuffles;   ///< Whether a warp's threads of one column form a butterfly.
  int64_t shares;  ///< Sums that a column has after the warp's.
  Value vector, column, firstN, busy, partial;
};

} // namespace

/// The smallest divisor of n, from 4 on, that gives enough threads work.
static int64_t rowsOfThread(int64_t n, int64_t vectors, int64_t threads) {
  for (int64_t steps = std::min<int64_t>(n, 4); steps < n; ++steps)
    if (n % steps == 0 && n / steps * vectors <= threads)
      return steps;
  return n;
}

ScanRows::ScanRows(GPUEmitter &b, SsdScanOp op) : ScanBlock(b, op) {
  vectors = columns / lanes;
  steps = rowsOfThread(stateSize, vectors, b.threads);
  slices = stateSize / steps;
  shuffles = llvm::isPowerOf2_64(vectors);
  shares = shuffles ? b.threads / kWarp : slices;
}

void ScanRows::emit(Value sequences) {
  SharedMemory memory;
  size_t number = memory.reserve({shares, columns}, b.getF32Type());
  b.part = "rows";
  launch(sequences, memory, [&] {
    partial = b.shared(memory, number);
    Value few = b.lt(b.sub(end, begin), b.index(kChunkedFrom));
    b.when(few, [&] { sequenceRows(); });
  });
}

/// Threads without work repeat the first column's and leave no trace.
void ScanRows::sequenceRows() {
  vector = b.rem(b.thread(), b.index(vectors));
  column = b.mul(vector, b.index(lanes));
  firstN = b.mul(b.div(b.thread(), b.index(vectors)), b.index(steps));
  if (someIdle()) {
    busy = b.both(b.lt(firstN, b.index(stateSize)), exists(column));
    column = b.select(busy, column, b.index(0));
    firstN = b.select(busy, firstN, b.index(0));
  }
  Values values =
      b.loop(begin, end, b.index(1), loadState(),
             [&](Value t, ValueRange values) { return row(t, values); });
  if (busy)
    b.when(busy, [&] { storeState(values); });
  else
    storeState(values);
}

LoopBuilder::Values ScanRows::loadState() {
  SmallVector<Type> types(steps, VectorType::get({lanes}, b.getF32Type()));
  return b.choose(
      fresh, types, [&] { return Values(steps, b.splat(0.0, lanes)); },
      [&] {
        Values values;
        for (int64_t i = 0; i < steps; ++i)
          values.push_back(
              b.loadAligned(op.getPool(), state(slice(i), column), lanes));
        return values;
      });
}

void ScanRows::storeState(ValueRange values) {
  for (int64_t i = 0; i < steps; ++i)
    b.storeAligned(values[i], op.getPool(), state(slice(i), column));
}

/// The thread's elements of a row of B or C.
LoopBuilder::Values ScanRows::run(Value matrix, Value t) {
  Value first = b.add(b.mul(group, b.index(stateSize)), firstN);
  int64_t width = GPUEmitter::vectorLanes({matrix}, stateSize);
  width = std::gcd(width, steps);
  Values elements;
  for (int64_t i = 0; i < steps; i += width) {
    Value piece = b.loadAligned(matrix, {t, b.add(first, b.index(i))}, width);
    for (int64_t lane = 0; lane < width; ++lane)
      elements.push_back(vector::ExtractOp::create(b, piece, lane));
  }
  return elements;
}

LoopBuilder::Values ScanRows::row(Value t, ValueRange values) {
  Values bs = run(op.getB(), t), cs = run(op.getC(), t);
  Value x = b.loadAligned(op.getX(), {t, wide(column)}, lanes);
  Value step = timeStep(b, op, t, head);
  Value decay = b.exp(b.mul(step, b.load(op.getA(), {head})));
  Value input = b.mul(x, b.splat(step, lanes));
  Value share = b.splat(0.0, lanes);
  Values next;
  for (int64_t i = 0; i < steps; ++i) {
    Value kept = b.mul(values[i], b.splat(decay, lanes));
    next.push_back(b.fma(b.splat(bs[i], lanes), input, kept));
    share = b.fma(b.splat(cs[i], lanes), next.back(), share);
  }
  if (busy)
    share = b.select(busy, share, b.splat(0.0, lanes));
  output(t, shuffles ? sumOverWarp(share) : share, x);
  return next;
}

Value ScanRows::sumOverWarp(Value share) {
  Values sums;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value sum = vector::ExtractOp::create(b, share, lane);
    for (int64_t mask = 16; mask >= vectors; mask /= 2)
      sum = b.add(sum, b.shuffleXor(sum, mask));
    sums.push_back(sum);
  }
  return vector::FromElementsOp::create(b, cast<VectorType>(share.getType()),
                                        sums);
}

/// y of a row, from every thread's or warp's share of it.
void ScanRows::output(Value t, Value share, Value x) {
  Value at = b.mul(vector, b.index(lanes));
  Value number = b.div(b.thread(), b.index(shuffles ? kWarp : vectors));
  Value writes = shuffles
                     ? b.lt(b.rem(b.thread(), b.index(kWarp)), b.index(vectors))
                     : b.lt(number, b.index(slices));
  b.when(writes, [&] { b.storeAligned(share, partial, {number, at}); });
  b.barrier();
  Value sums = b.lt(b.thread(), b.index(vectors));
  if (!allColumns())
    sums = b.both(sums, exists(at));
  b.when(sums, [&] {
    Value sum = b.loadAligned(partial, {b.index(0), at}, lanes);
    for (int64_t i = 1; i < shares; ++i)
      sum = b.add(sum, b.loadAligned(partial, {b.index(i), at}, lanes));
    Value skip = b.splat(b.load(op.getD(), {head}), lanes);
    b.storeAligned(b.fma(skip, x, sum), op.getInit(), {t, wide(at)});
  });
  b.barrier();
}

void braid::emitScanRows(GPUEmitter &b, SsdScanOp op, Value sequences) {
  ScanRows(b, op).emit(sequences);
}
