//===- AttentionMma.cpp - a tile of attention on tensor cores
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionTile.h"
#include "TensorCore.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace braid;

namespace {

/// A warp has 16 queries. Where a tile has fewer queries than warps could take,
/// warps with the same queries share the keys of a block, each with a maximum of
/// its own, and add up their sums at the end. While a block of keys and values
/// is worked on, the next one is copied.
class MmaTile : public AttentionTile {
public:
  MmaTile(GPUEmitter &b, AttentionOp op, int64_t queryWarps);
  void attend(Value lo, Value hi) override;
  void finish(bool divide,
              function_ref<void(const TileResult &)> write) override;

private:
  static constexpr int64_t kRows = 16; ///< Queries of a warp.
  static constexpr int64_t kTile = 8;  ///< Keys, or columns, of a fragment.
  static constexpr int64_t kHalves = 2; ///< Queries of a lane: g and g + 8.

  int64_t steps() const { return padded / kRows; }
  int64_t tiles() const { return padded / kTile; }
  int64_t keysOfWarp() const { return kKeys / keyWarps; }

  void findLane();
  /// The lane's query of a half, as a number in the tile.
  Value local(int64_t half) {
    return b.add(b.mul(queryWarp, b.index(kRows)),
                 b.add(group, b.index(half * kTile)));
  }
  /// Rows of loadMatrices for 16 rows from `first` on: two matrices one below
  /// the other, then two to the right of them; or the other way round.
  Values downThenRight(Value first, int64_t column);
  Values rightThenDown(Value first, int64_t column);
  void eachPiece(int64_t rows, function_ref<void(Value, Value)> body);
  void copyQueries();
  void copyBlock(Value stage, Value first);
  void loadQueries();
  Values block(Value stage, Value first, ValueRange running);
  Values scores(Value stage);
  Value softmax(int64_t half, Value first, Values &scores);
  void addValues(Value stage, ValueRange weights);
  void take(ValueRange running);
  Value acrossQuad(Value v, function_ref<Value(Value, Value)> combine);

  void share();
  Values addUp(Value tile);
  void writeTile(Value tile, ValueRange values,
                 function_ref<void(const TileResult &)> write);

  const int64_t keyWarps; ///< Warps that have the same queries.
  const int64_t padded; ///< Columns of a row of shared memory that are used.
  size_t queryBuffer, keyBuffer, valueBuffer, sumBuffer, statBuffer;
  Value rows, keys, values, lane, group, quad, queryWarp, keyWarp, lastKey;
  Values fragments; ///< Of the queries, step by step.
  /// Of both halves, the lane's part of totals; sums, tile by tile.
  Values maxima, totals, sums;
  Value allSums; ///< Of all warps, in shared memory.
  Values factors; ///< What each warp's sums weigh, for both halves.
  Values scales; ///< What the results are multiplied by, for both halves.
};

} // namespace

/// Rows of shared memory are shifted by 16 bytes against each other, so that
/// eight rows of a matrix lie in different banks.
static constexpr int64_t kShift = 8;

MmaTile::MmaTile(GPUEmitter &b, AttentionOp op, int64_t queryWarps)
    : AttentionTile(b, op, queryWarps * kRows),
      keyWarps(b.threads / kWarp / queryWarps),
      padded(llvm::alignTo(headDim, kRows)) {
  Type bf16 = b.getBF16Type(), f32 = b.getF32Type();
  queryBuffer = buffers.reserve({size(), padded + kShift}, bf16);
  keyBuffer = buffers.reserve({2, kKeys, padded + kShift}, bf16);
  valueBuffer = buffers.reserve({2, kKeys, padded + kShift}, bf16);
  if (keyWarps == 1)
    return;
  // The sums come when the keys are done with.
  sumBuffer = buffers.reserveOver(
      keyBuffer, {b.threads / kWarp, tiles(), kWarp, 4}, f32);
  statBuffer = buffers.reserve({b.threads / kWarp, kWarp, 4}, f32);
}

std::unique_ptr<AttentionTile>
braid::makeMmaTile(GPUEmitter &b, AttentionOp op, int64_t queries) {
  int64_t warps = llvm::PowerOf2Ceil(llvm::divideCeil(queries, 16));
  return std::make_unique<MmaTile>(b, op, warps);
}

void MmaTile::findLane() {
  Value warp = b.div(b.thread(), b.index(kWarp));
  lane = b.rem(b.thread(), b.index(kWarp));
  group = b.div(lane, b.index(4));
  quad = b.rem(lane, b.index(4));
  queryWarp = b.div(warp, b.index(keyWarps));
  keyWarp = b.rem(warp, b.index(keyWarps));
}

LoopBuilder::Values MmaTile::downThenRight(Value first, int64_t column) {
  Value right = b.mul(b.div(lane, b.index(16)), b.index(kTile));
  return {b.add(first, b.rem(lane, b.index(16))),
          b.add(right, b.index(column))};
}
LoopBuilder::Values MmaTile::rightThenDown(Value first, int64_t column) {
  Value down = b.mul(b.div(lane, b.index(16)), b.index(kTile));
  Value right = b.mul(b.rem(b.div(lane, b.index(8)), b.index(2)),
                      b.index(kTile));
  return {b.add(first, b.add(down, b.rem(lane, b.index(8)))),
          b.add(right, b.index(column))};
}

//===----------------------------------------------------------------------===//
// From global memory
//===----------------------------------------------------------------------===//

/// Calls `body(row, column)` for the thread's share of the accesses that fill
/// so many rows.
void MmaTile::eachPiece(int64_t rows, function_ref<void(Value, Value)> body) {
  int64_t perRow = padded / lanes;
  b.loop(b.thread(), b.index(rows * perRow), b.index(b.threads),
         [&](Value number) {
           body(b.div(number, b.index(perRow)),
                b.mul(b.rem(number, b.index(perRow)), b.index(lanes)));
         });
}

void MmaTile::copyQueries() {
  eachPiece(size(), [&](Value i, Value at) {
    Value last = b.sub(b.sub(place.queries, place.query), b.index(1));
    Value inside = b.lt(at, b.index(headDim));
    Value column = b.min(at, b.index(headDim - lanes));
    Values from = queryAt(b.min(i, last), column);
    copyAsync(b, {op.getQ(), from}, {rows, {i, at}}, lanes,
              b.both(exists(i), inside));
  });
}

/// Keys and values of a block; zeros behind the last one. What the step brings
/// is not in the pool for sure: other blocks write it while this one reads.
void MmaTile::copyBlock(Value stage, Value first) {
  eachPiece(kKeys, [&](Value j, Value at) {
    Value key = b.min(b.add(first, j), lastKey);
    Value wanted = b.both(b.le(b.add(first, j), lastKey),
                          b.lt(at, b.index(headDim)));
    Value column = b.min(at, b.index(headDim - lanes));
    Values to = {stage, j, at};
    auto copy = [&](Value k, Value v, Values from) {
      copyAsync(b, {k, from}, {keys, to}, lanes, wanted);
      copyAsync(b, {v, from}, {values, to}, lanes, wanted);
    };
    b.when(
        b.lt(key, place.start),
        [&] { copy(op.getKPool(), op.getVPool(), storedAt(key, column)); },
        [&] { copy(op.getK(), op.getV(), freshAt(key, column)); });
  });
}

//===----------------------------------------------------------------------===//
// A block of keys
//===----------------------------------------------------------------------===//

void MmaTile::loadQueries() {
  fragments.clear();
  Value first = b.mul(queryWarp, b.index(kRows));
  for (int64_t step = 0; step < steps(); ++step)
    fragments.append(loadMatrices(
        b, {rows, downThenRight(first, step * kRows)}, /*transposed=*/false));
}

/// Scores of 16 queries and the warp's keys, fragment by fragment.
LoopBuilder::Values MmaTile::scores(Value stage) {
  Values result(keysOfWarp() / kTile * 4, b.f32(0));
  Value base = b.mul(keyWarp, b.index(keysOfWarp()));
  for (int64_t step = 0; step < steps(); ++step)
    for (int64_t n = 0; n < keysOfWarp(); n += kRows) {
      Values at = {stage};
      at.append(rightThenDown(b.add(base, b.index(n)), step * kRows));
      Values found = loadMatrices(b, {keys, at}, /*transposed=*/false);
      for (int64_t half = 0; half < 2; ++half) {
        auto *sum = &result[(n / kTile + half) * 4];
        Values next = multiply(
            b, ValueRange(fragments).slice(step * 4, 4),
            ValueRange(found).slice(half * 2, 2), ValueRange(ArrayRef(sum, 4)));
        llvm::copy(next, sum);
      }
    }
  return result;
}

Value MmaTile::acrossQuad(Value v, function_ref<Value(Value, Value)> combine) {
  for (int64_t mask : {2, 1})
    v = combine(v, b.shuffleXor(v, mask));
  return v;
}

/// Scores of a half become exp(scale * score - maximum); returns what earlier
/// sums shrink by as the maximum has grown.
Value MmaTile::softmax(int64_t half, Value first, Values &scores) {
  Value base = b.add(first, b.add(b.mul(keyWarp, b.index(keysOfWarp())),
                                  b.mul(quad, b.index(2))));
  // Keys that the query may see behind the lane's first one.
  Value more = b.toI32(b.sub(limit(local(half)), base));
  Value scale = b.f32(op.getScale().convertToDouble());
  SmallVector<Value *> mine;
  for (size_t i = 0; i < scores.size(); i += 4)
    for (int64_t e = 0; e < 2; ++e)
      mine.push_back(&scores[i + half * 2 + e]);
  Value top = maxima[half];
  for (auto [i, score] : llvm::enumerate(mine)) {
    Value allowed = b.le(b.i32(i / 2 * kTile + i % 2), more);
    *score = b.select(allowed, b.mul(*score, scale), b.f32(kLowest));
    top = b.max(top, *score);
  }
  top = acrossQuad(top, [&](Value x, Value y) { return b.max(x, y); });
  Value shrink = b.exp(b.sub(maxima[half], top));
  Value total = b.mul(totals[half], shrink);
  for (Value *score : mine) {
    *score = b.exp(b.sub(*score, top));
    total = b.add(total, *score);
  }
  maxima[half] = top, totals[half] = total;
  return shrink;
}

/// Fragments of scores are fragments of the left side as they are.
void MmaTile::addValues(Value stage, ValueRange weights) {
  Value base = b.mul(keyWarp, b.index(keysOfWarp()));
  for (int64_t n = 0; n < keysOfWarp(); n += kRows) {
    Values a;
    for (int64_t i = 0; i < 8; i += 2)
      a.push_back(packPair(b, weights[n / kTile * 4 + i],
                           weights[n / kTile * 4 + i + 1]));
    for (int64_t step = 0; step < steps(); ++step) {
      Values at = {stage};
      at.append(downThenRight(b.add(base, b.index(n)), step * kRows));
      Values found = loadMatrices(b, {values, at}, /*transposed=*/true);
      for (int64_t half = 0; half < 2; ++half) {
        auto *sum = &sums[(step * 2 + half) * 4];
        Values next = multiply(b, a, ValueRange(found).slice(half * 2, 2),
                               ValueRange(ArrayRef(sum, 4)));
        llvm::copy(next, sum);
      }
    }
  }
}

void MmaTile::take(ValueRange running) {
  maxima = Values(running.take_front(kHalves));
  totals = Values(running.slice(kHalves, kHalves));
  sums = Values(running.drop_front(2 * kHalves));
}

/// One block of keys; `running` and the result are maxima, totals, sums.
LoopBuilder::Values MmaTile::block(Value stage, Value first,
                                   ValueRange running) {
  take(running);
  Values weights = scores(stage);
  for (int64_t half = 0; half < kHalves; ++half) {
    Value shrink = softmax(half, first, weights);
    for (size_t i = 0; i < sums.size(); i += 4)
      for (int64_t e = 0; e < 2; ++e) {
        Value &sum = sums[i + half * 2 + e];
        sum = b.mul(sum, shrink);
      }
  }
  addValues(stage, weights);
  Values result = maxima;
  result.append(totals);
  result.append(sums);
  return result;
}

void MmaTile::attend(Value lo, Value hi) {
  findLane();
  rows = b.shared(buffers, queryBuffer);
  keys = b.shared(buffers, keyBuffer);
  values = b.shared(buffers, valueBuffer);
  lastKey = b.sub(hi, b.index(1));
  copyQueries();
  commitCopies(b);
  copyBlock(b.index(0), lo);
  commitCopies(b);
  waitCopies(b, 1);
  b.barrier();
  loadQueries();
  Values running(kHalves, b.f32(kLowest));
  running.append(kHalves, b.f32(0));
  running.append(tiles() * 4, b.f32(0));
  take(b.loop(
      lo, hi, b.index(kKeys), running, [&](Value first, ValueRange before) {
        Value number = b.div(b.sub(first, lo), b.index(kKeys));
        Value stage = b.rem(number, b.index(2));
        Value next = b.add(first, b.index(kKeys));
        b.when(b.lt(next, hi),
               [&] { copyBlock(b.sub(b.index(1), stage), next); });
        commitCopies(b);
        waitCopies(b, 1);
        b.barrier();
        Values after = block(stage, first, before);
        b.barrier(); // The stage is read, and may be written.
        return after;
      }));
}

//===----------------------------------------------------------------------===//
// The result
//===----------------------------------------------------------------------===//

/// Every warp's sums go to shared memory; each warp finds what those of its
/// queries weigh against the largest maximum, and the total.
void MmaTile::share() {
  Value warp = b.add(b.mul(queryWarp, b.index(keyWarps)), keyWarp);
  Value stats = b.shared(buffers, statBuffer);
  allSums = b.shared(buffers, sumBuffer);
  for (int64_t i = 0; i < tiles(); ++i)
    b.storeAligned(vectorOf(b, ValueRange(sums).slice(i * 4, 4)), allSums,
                   {warp, b.index(i), lane, b.index(0)});
  b.storeAligned(vectorOf(b, {maxima[0], maxima[1], totals[0], totals[1]}),
                 stats, {warp, lane, b.index(0)});
  b.barrier();
  auto stat = [&](int64_t k, int64_t which) {
    Value other = b.add(b.mul(queryWarp, b.index(keyWarps)), b.index(k));
    return b.load(stats, {other, lane, b.index(which)});
  };
  factors.clear();
  for (int64_t half = 0; half < kHalves; ++half) {
    Value top = stat(0, half), total = b.f32(0);
    for (int64_t k = 1; k < keyWarps; ++k)
      top = b.max(top, stat(k, half));
    for (int64_t k = 0; k < keyWarps; ++k) {
      factors.push_back(b.exp(b.sub(stat(k, half), top)));
      total = b.fma(stat(k, kHalves + half), factors.back(), total);
    }
    maxima[half] = top, totals[half] = total;
  }
}

/// The sums of a tile, over the warps that have its queries.
LoopBuilder::Values MmaTile::addUp(Value tile) {
  Values result(4, b.f32(0));
  for (int64_t k = 0; k < keyWarps; ++k) {
    Value other = b.add(b.mul(queryWarp, b.index(keyWarps)), b.index(k));
    Value part = b.loadAligned(allSums, {other, tile, lane, b.index(0)}, 4);
    for (int64_t e = 0; e < 4; ++e)
      result[e] =
          b.fma(vector::ExtractOp::create(b, part, ArrayRef<int64_t>{e}),
                factors[e / 2 * keyWarps + k], result[e]);
  }
  return result;
}

void MmaTile::writeTile(Value tile, ValueRange values,
                        function_ref<void(const TileResult &)> write) {
  Value column = b.add(b.mul(tile, b.index(kTile)), b.mul(quad, b.index(2)));
  Value inside = b.lt(column, b.index(headDim));
  for (int64_t half = 0; half < kHalves; ++half)
    b.when(b.both(inside, exists(local(half))), [&] {
      write({b.add(place.query, local(half)), column,
             b.mul(vectorOf(b, values.slice(half * 2, 2)),
                   b.splat(scales[half], 2)),
             maxima[half], totals[half]});
    });
}

void MmaTile::finish(bool divide,
                     function_ref<void(const TileResult &)> write) {
  for (Value &total : totals)
    total = acrossQuad(total, [&](Value x, Value y) { return b.add(x, y); });
  if (keyWarps > 1)
    share();
  scales.clear();
  for (Value total : totals)
    scales.push_back(divide ? b.div(b.f32(1.0), total) : b.f32(1.0));
  if (keyWarps == 1) {
    for (int64_t i = 0; i < tiles(); ++i)
      writeTile(b.index(i), ValueRange(sums).slice(i * 4, 4), write);
    return;
  }
  b.loop(keyWarp, b.index(tiles()), b.index(keyWarps),
         [&](Value tile) { writeTile(tile, addUp(tile), write); });
}
