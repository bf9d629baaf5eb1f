//===- EmitScanChunks.cpp - what the matrix forms of ssd_scan share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitScanChunks.h"
#include "braid/Transforms/TimeStep.h"
#include <numeric>

using namespace mlir;
using namespace braid;

/// What every target offers a block, less what the driver keeps.
static constexpr int64_t kSharedBytes = 96 << 10;

void ChunkBlock::chooseChunk(int64_t most, int64_t multiple,
                             function_ref<int64_t(int64_t)> plan) {
  chunk = std::min<int64_t>(op.getChunk(), most) / multiple * multiple;
  while ((op.getChunk() % chunk != 0 || plan(chunk) > kSharedBytes) &&
         chunk > multiple)
    chunk -= multiple;
}

void ChunkBlock::reserveSteps() {
  for (size_t &buffer : stepBuffers)
    buffer = memory.reserve({padded}, b.getF32Type());
}

void ChunkBlock::takeSteps() {
  d = b.shared(memory, stepBuffers[0]);
  steps = b.shared(memory, stepBuffers[1]);
  fall = b.shared(memory, stepBuffers[2]);
  tail = b.shared(memory, stepBuffers[3]);
}

void ChunkBlock::launchLong(Value sequences, function_ref<void()> body) {
  b.part = "chunks";
  launch(sequences, memory,
         [&] { b.when(b.le(b.index(kChunkedFrom), b.sub(end, begin)), body); });
}

/// Chunks end at multiples of their length of the absolute position, so that a
/// prompt gives the same sums however it is cut into steps at such positions.
LoopBuilder::Values
ChunkBlock::eachChunk(ValueRange init,
                      function_ref<Values(Value, Value, ValueRange)> body) {
  Value q = b.index(chunk);
  Value lead = b.rem(position, q); // Rows of the first chunk already done.
  return b.loop(b.sub(begin, lead), end, q, init,
                [&](Value start, ValueRange carried) {
                  Value first = b.max(start, begin);
                  Value next = b.min(b.add(start, q), end);
                  return body(first, b.sub(next, first), carried);
                });
}

void ChunkBlock::share(int64_t count, function_ref<void(Value)> body) {
  if (count > b.threads)
    b.loop(b.thread(), b.index(count), b.index(b.threads), body);
  else if (count == b.threads)
    body(b.thread());
  else
    b.when(b.lt(b.thread(), b.index(count)), [&] { body(b.thread()); });
}

ChunkBlock::Source ChunkBlock::groupOf(Value matrix, int64_t width) {
  return {matrix, b.mul(group, b.index(stateSize)), stateSize, width,
          b.index(stateSize)};
}

ChunkBlock::Source ChunkBlock::headOfX() {
  return {op.getX(), wide(b.index(0)), headDim, columns,
          b.sub(b.index(headDim), firstColumn)};
}

/// What is beyond the columns, or beyond the rows, is zero; the loads then read
/// the first row's first column, so that nothing branches and all of them are
/// under way together.
void ChunkBlock::loadRows(Source from, Value first, Value rows,
                          function_ref<void(Value, Value, Value)> write) {
  constexpr int64_t kTogether = 8;
  int64_t count =
      GPUEmitter::vectorLanes({from.matrix}, std::gcd(from.width, from.whole));
  int64_t perRow = from.width / count, total = padded * perRow;
  int64_t together =
      std::min<int64_t>(kTogether, llvm::divideCeil(total, b.threads));
  auto place = [&](Value start, int64_t k) {
    Value item = plus(start, k * b.threads);
    Value column = b.mul(b.rem(item, b.index(perRow)), b.index(count));
    return std::pair(b.div(item, b.index(perRow)), column);
  };
  auto read = [&](Value i, Value column) {
    Value there = b.both(b.lt(i, rows), b.lt(column, from.limit));
    Value t = b.add(first, b.select(there, i, b.index(0)));
    Value at = b.add(from.base, b.select(there, column, b.index(0)));
    Value value = b.loadAligned(from.matrix, {t, at}, count);
    return b.select(there, value, b.splat(0.0, count));
  };
  Value step = b.index(b.threads * together);
  b.loop(b.thread(), b.index(total), step, [&](Value start) {
    LoopBuilder::Values values;
    for (int64_t k = 0; k < together; ++k) {
      auto [i, column] = place(start, k);
      values.push_back(read(i, column));
    }
    for (int64_t k = 0; k < together; ++k) {
      auto [i, column] = place(start, k);
      if (total % (b.threads * together) == 0)
        write(values[k], i, column);
      else
        b.when(b.lt(i, b.index(padded)),
               [&, i = i, column = column] { write(values[k], i, column); });
    }
  });
}

void ChunkBlock::timeSteps(Value first, Value rows) {
  Value rate = b.load(op.getA(), {head});
  share(padded, [&](Value i) {
    Value there = b.lt(i, rows);
    Value t = b.add(first, b.select(there, i, b.index(0)));
    Value step = b.select(there, timeStep(b, op, t, head), b.f32(0));
    b.store(step, d, {i});
    b.store(b.select(there, b.mul(step, rate), b.f32(0)), steps, {i});
  });
}

/// How far the state has decayed at each row, and what each row adds to it.
void ChunkBlock::decays() {
  share(padded, [&](Value i) {
    Value zero = b.f32(0);
    LoopBuilder::Values sums =
        b.loop(b.index(0), b.index(padded), b.index(1), ValueRange{zero, zero},
               [&](Value row, ValueRange carried) {
                 Value step = b.load(steps, {row}), later = b.lt(i, row);
                 return LoopBuilder::Values{
                     b.select(later, carried[0], b.add(carried[0], step)),
                     b.select(later, b.add(carried[1], step), carried[1])};
               });
    b.store(b.exp(sums[0]), fall, {i});
    b.store(b.mul(b.exp(sums[1]), b.load(d, {i})), tail, {i});
  });
}
