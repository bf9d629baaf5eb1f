//===- AttentionSimt.cpp - a tile of attention in f32, thread by thread
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionTile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace braid;

namespace {

/// Eight threads share a query; each has every eighth key of a block of keys,
/// and every eighth vector of columns. Keys, then values, pass through one
/// buffer.
class SimtTile : public AttentionTile {
public:
  SimtTile(GPUEmitter &b, AttentionOp op, int64_t perThread);
  void attend(Value lo, Value hi) override;
  void finish(bool divide,
              function_ref<void(const TileResult &)> write) override;

private:
  static constexpr int64_t kLanes = 8;  ///< Threads that share a query.
  static constexpr int64_t kVector = 4; ///< f32 of one access.

  /// Number in the tile of the thread's query i.
  Value local(int64_t i) {
    return b.add(group, b.index(i * b.threads / kLanes));
  }
  Value keyOf(int64_t j) { return b.add(lane, b.index(j * kLanes)); }
  Value column(int64_t c) {
    return b.add(b.mul(lane, b.index(kVector)), b.index(c * kLanes * kVector));
  }
  /// Over the threads that share a query.
  Value across(Value v, function_ref<Value(Value, Value)> combine);
  void fill(Value buffer, int64_t rows, function_ref<Value(Value)> inside,
            function_ref<Value(Value, Value)> read);
  void fillQueries();
  void fillKeys(Value pool, Value fresh, Value first);
  Values block(Value first, ValueRange running);
  Values scores();
  Value softmax(int64_t i, Value first, ValueRange scores);
  void addValues(Value count);
  void take(ValueRange running);

  const int64_t perThread; ///< Queries of a thread.
  const int64_t padded;    ///< Columns of a buffer's row that are used.
  const int64_t vectors;   ///< Of a thread, in a row of that length.
  size_t queryBuffer, keyBuffer, weightBuffer;
  Value rows, keys, weights, lane, group, lastKey;
  /// Per query: maximum and this thread's part of the total; its sums.
  Values maxima, totals, sums;
};

} // namespace

SimtTile::SimtTile(GPUEmitter &b, AttentionOp op, int64_t perThread)
    : AttentionTile(b, op, perThread * b.threads / kLanes),
      perThread(perThread),
      padded(llvm::alignTo(headDim, kLanes * kVector)),
      vectors(padded / (kLanes * kVector)) {
  Type f32 = b.getF32Type();
  // Odd multiples of a vector: eight rows lie in different banks.
  queryBuffer = buffers.reserve({size(), padded + kVector}, f32);
  keyBuffer = buffers.reserve({kKeys, padded + kVector}, f32);
  weightBuffer = buffers.reserve({size(), kKeys + 2 * kVector}, f32);
}

std::unique_ptr<AttentionTile>
braid::makeSimtTile(GPUEmitter &b, AttentionOp op, int64_t queries) {
  return std::make_unique<SimtTile>(
      b, op, llvm::divideCeil(queries * 8, b.threads));
}

Value SimtTile::across(Value v, function_ref<Value(Value, Value)> combine) {
  for (int64_t mask = kLanes / 2; mask >= 1; mask /= 2)
    v = combine(v, b.shuffleXor(v, mask));
  return v;
}

/// Rows of a buffer [rows, padded], zero where nothing is `inside(row)` or
/// beyond the head's columns. Some loads are under way before the first store.
void SimtTile::fill(Value buffer, int64_t rows,
                    function_ref<Value(Value)> inside,
                    function_ref<Value(Value, Value)> read) {
  int64_t perRow = padded / lanes, all = rows * perRow;
  int64_t rounds = llvm::divideCeil(all, b.threads);
  int64_t together = std::gcd(rounds, 4);
  auto type = VectorType::get({lanes}, b.getF32Type());
  b.loop(b.index(0), b.index(rounds), b.index(together), [&](Value round) {
    Values found, row, at, mine;
    for (int64_t u = 0; u < together; ++u) {
      Value number = b.add(b.mul(b.add(round, b.index(u)), b.index(b.threads)),
                           b.thread());
      row.push_back(b.div(number, b.index(perRow)));
      at.push_back(b.mul(b.rem(number, b.index(perRow)), b.index(lanes)));
      mine.push_back(b.lt(number, b.index(all)));
      Value wanted = b.both(inside(row[u]), b.lt(at[u], b.index(headDim)));
      found.push_back(b.choose(
          b.both(mine[u], wanted), type,
          [&]() -> Values { return {read(row[u], at[u])}; },
          [&]() -> Values { return {b.splat(0.0, lanes)}; })[0]);
    }
    for (int64_t u = 0; u < together; ++u)
      b.when(mine[u], [&] {
        b.storePieces(found[u], buffer, {row[u], at[u]}, kVector);
      });
  });
}

void SimtTile::fillQueries() {
  Value scale = b.f32(op.getScale().convertToDouble());
  fill(
      rows, size(), [&](Value i) { return exists(i); },
      [&](Value i, Value at) {
        Value q = b.loadAligned(op.getQ(), queryAt(i, at), lanes);
        return b.mul(q, b.splat(scale, lanes));
      });
}

/// Keys or values of a block. What the step brings is not in the pool for sure:
/// other blocks write it while this one reads.
void SimtTile::fillKeys(Value pool, Value fresh, Value first) {
  auto type = VectorType::get({lanes}, b.getF32Type());
  fill(
      keys, kKeys,
      [&](Value j) { return b.le(b.add(first, j), lastKey); },
      [&](Value j, Value at) {
        Value key = b.add(first, j);
        auto stored = [&]() -> Values {
          return {b.loadAligned(pool, storedAt(key, at), lanes)};
        };
        auto brought = [&]() -> Values {
          return {b.loadAligned(fresh, freshAt(key, at), lanes)};
        };
        return b.choose(b.lt(key, place.start), type, stored, brought)[0];
      });
}

static Value element(GPUEmitter &b, Value vector, int64_t i) {
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{i});
}

/// Scores of the thread's queries against its keys, query by query.
LoopBuilder::Values SimtTile::scores() {
  int64_t perQuery = kKeys / kLanes;
  Values zeros(perThread * perQuery, b.f32(0));
  return b.loop(
      b.index(0), b.index(headDim), b.index(kVector), zeros,
      [&](Value at, ValueRange before) {
        Values next(before), query;
        for (int64_t i = 0; i < perThread; ++i)
          query.push_back(b.loadAligned(rows, {local(i), at}, kVector));
        for (int64_t j = 0; j < perQuery; ++j) {
          Value key = b.loadAligned(keys, {keyOf(j), at}, kVector);
          for (int64_t i = 0; i < perThread; ++i)
            for (int64_t e = 0; e < kVector; ++e) {
              Value &sum = next[i * perQuery + j];
              sum = b.fma(element(b, query[i], e), element(b, key, e), sum);
            }
        }
        return next;
      });
}

/// Stores exp(score - maximum) of a query; returns what earlier sums shrink by
/// as the maximum has grown.
Value SimtTile::softmax(int64_t i, Value first, ValueRange scores) {
  Values seen;
  // Keys that the query may see behind the thread's first one.
  Value more = b.toI32(b.sub(limit(local(i)), b.add(first, lane)));
  Value top = maxima[i];
  for (auto [j, score] : llvm::enumerate(scores)) {
    Value allowed = b.le(b.i32(j * kLanes), more);
    seen.push_back(b.select(allowed, score, b.f32(kLowest)));
    top = b.max(top, seen.back());
  }
  top = across(top, [&](Value x, Value y) { return b.max(x, y); });
  Value shrink = b.exp(b.sub(maxima[i], top));
  Value sum = b.mul(totals[i], shrink);
  for (auto [j, score] : llvm::enumerate(seen)) {
    Value weight = b.exp(b.sub(score, top));
    b.store(weight, weights, {local(i), keyOf(j)});
    sum = b.add(sum, weight);
  }
  maxima[i] = top, totals[i] = sum;
  return shrink;
}

/// Adds the block's values, weighted, for `count` keys: the rest weighs nothing.
void SimtTile::addValues(Value count) {
  sums = b.loop(
      b.index(0), count, b.index(kVector), sums,
      [&](Value first, ValueRange before) {
        Values next(before), weight;
        for (int64_t i = 0; i < perThread; ++i)
          weight.push_back(b.loadAligned(weights, {local(i), first}, kVector));
        for (int64_t j = 0; j < kVector; ++j)
          for (int64_t c = 0; c < vectors; ++c) {
            Value key = b.add(first, b.index(j));
            Value v = b.loadAligned(keys, {key, column(c)}, kVector);
            for (int64_t i = 0; i < perThread; ++i) {
              Value &sum = next[i * vectors + c];
              sum = b.fma(b.splat(element(b, weight[i], j), kVector), v, sum);
            }
          }
        return next;
      });
}

void SimtTile::take(ValueRange running) {
  maxima = Values(running.take_front(perThread));
  totals = Values(running.slice(perThread, perThread));
  sums = Values(running.drop_front(2 * perThread));
}

/// One block of keys; `running` and the result are maxima, totals, sums.
LoopBuilder::Values SimtTile::block(Value first, ValueRange running) {
  take(running);
  b.barrier(); // The values of the block before are read.
  fillKeys(op.getKPool(), op.getK(), first);
  b.barrier();
  Values all = scores();
  int64_t perQuery = kKeys / kLanes;
  for (int64_t i = 0; i < perThread; ++i) {
    Value shrink =
        softmax(i, first, ValueRange(all).slice(i * perQuery, perQuery));
    for (int64_t c = 0; c < vectors; ++c) {
      Value &sum = sums[i * vectors + c];
      sum = b.mul(sum, b.splat(shrink, kVector));
    }
  }
  b.barrier(); // The keys are read.
  fillKeys(op.getVPool(), op.getV(), first);
  b.barrier();
  Value rest = b.sub(b.add(lastKey, b.index(1)), first);
  addValues(b.min(rest, b.index(kKeys)));
  Values result = maxima;
  result.append(totals);
  result.append(sums);
  return result;
}

void SimtTile::attend(Value lo, Value hi) {
  rows = b.shared(buffers, queryBuffer);
  keys = b.shared(buffers, keyBuffer);
  weights = b.shared(buffers, weightBuffer);
  lane = b.rem(b.thread(), b.index(kLanes));
  group = b.div(b.thread(), b.index(kLanes));
  lastKey = b.sub(hi, b.index(1));
  fillQueries();
  Values running(perThread, b.f32(kLowest));
  running.append(perThread, b.f32(0));
  running.append(perThread * vectors, b.splat(0.0, kVector));
  take(b.loop(
      lo, hi, b.index(kKeys), running,
      [&](Value first, ValueRange before) { return block(first, before); }));
}

void SimtTile::finish(bool divide,
                      function_ref<void(const TileResult &)> write) {
  for (int64_t i = 0; i < perThread; ++i) {
    Value total =
        across(totals[i], [&](Value x, Value y) { return b.add(x, y); });
    Value query = b.add(place.query, local(i));
    Value factor = b.div(b.f32(1.0), total);
    for (int64_t c = 0; c < vectors; ++c) {
      Value sum = sums[i * vectors + c];
      if (divide)
        sum = b.mul(sum, b.splat(factor, kVector));
      Value inside = b.lt(column(c), b.index(headDim));
      b.when(b.both(exists(local(i)), inside), [&] {
        write({query, column(c), sum, maxima[i], total});
      });
    }
  }
}
