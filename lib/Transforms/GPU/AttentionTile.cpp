//===- AttentionTile.cpp - a tile of queries against a range of keys
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

/// Below every score; not -inf, as differences of two are formed.
static constexpr double kLowest = -3.4e38;

int64_t braid::headDimOf(AttentionOp op) {
  return cast<MemRefType>(op.getKPool().getType()).getDimSize(4);
}

int64_t braid::sharedHeads(AttentionOp op) {
  int64_t width = cast<MemRefType>(op.getQ().getType()).getDimSize(1);
  int64_t kvWidth = cast<MemRefType>(op.getK().getType()).getDimSize(1);
  return width / kvWidth;
}

StringRef braid::whyNoAttentionTile(AttentionOp op) {
  if (headDimOf(op) % 4 != 0 || headDimOf(op) > 128)
    return "needs a head dimension that is a multiple of 4, at most 128";
  return "";
}

AttentionTile::AttentionTile(GPUEmitter &b, AttentionOp op,
                             int64_t queriesPerThread)
    : queriesPerThread(queriesPerThread), b(b), op(op), headDim(headDimOf(op)),
      shared(sharedHeads(op)),
      padded(llvm::alignTo(headDim, kLanes * kVector)),
      vectors(padded / (kLanes * kVector)) {
  // A row of a pool is headDim elements, so its strides prove as much.
  int64_t poolBits =
      cast<MemRefType>(op.getKPool().getType()).getElementTypeBitWidth();
  keyLanes = std::gcd(b.vectorLanes({op.getK(), op.getV()}, headDim),
                      128 / poolBits);
  Type f32 = b.getF32Type();
  // Odd multiples of a vector: eight rows lie in different banks.
  queryBuffer = buffers.reserve({size(), padded + kVector}, f32);
  keyBuffer = buffers.reserve({kKeys, padded + kVector}, f32);
  weightBuffer = buffers.reserve({size(), kKeys + 2 * kVector}, f32);
}

/// Place of the thread's query i in the tile.
Value AttentionTile::local(int64_t i) {
  return b.add(group, b.index(i * b.threads / kLanes));
}
Value AttentionTile::keyOf(int64_t j) {
  return b.add(lane, b.index(j * kLanes));
}
Value AttentionTile::column(int64_t c) {
  return b.add(b.mul(lane, b.index(kVector)), b.index(c * kLanes * kVector));
}
/// The last key that the query may see. Queries that do not exist do what the
/// last one does.
Value AttentionTile::limit(int64_t i) {
  Value f = b.min(number(i), b.sub(place.queries, b.index(1)));
  return b.add(place.start, b.div(f, b.index(shared)));
}

/// Rows of a buffer [rows, padded], zero where nothing is `inside(row)` or
/// beyond the head's columns. Some loads are under way before the first store.
void AttentionTile::fill(Value buffer, int64_t rows, int64_t lanes,
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
      b.when(mine[u], [&] { b.storePieces(found[u], buffer, {row[u], at[u]}, kVector); });
  });
}

void AttentionTile::fillQueries() {
  int64_t lanes = b.vectorLanes(op.getQ(), headDim);
  Value scale = b.f32(op.getScale().convertToDouble());
  fill(
      queries, size(), lanes,
      [&](Value i) { return b.lt(b.add(place.query, i), place.queries); },
      [&](Value i, Value at) {
        Value f = b.add(place.query, i);
        Value row = b.add(place.firstRow, b.div(f, b.index(shared)));
        Value head = b.add(b.mul(place.head, b.index(shared)),
                           b.rem(f, b.index(shared)));
        Value column = b.add(b.mul(head, b.index(headDim)), at);
        Value q = b.loadAligned(op.getQ(), {row, column}, lanes);
        return b.mul(q, b.splat(scale, lanes));
      });
}

/// Keys or values of a block. What the step brings is not in the pool for sure:
/// other blocks write it while this one reads.
void AttentionTile::fillKeys(Value pool, Value fresh, Value first) {
  auto type = VectorType::get({keyLanes}, b.getF32Type());
  fill(
      keys, kKeys, keyLanes,
      [&](Value j) { return b.le(b.add(first, j), lastKey); },
      [&](Value j, Value at) {
        Value key = b.add(first, j);
        auto stored = [&]() -> Values {
          return {b.loadAligned(
              pool, {op.getOrdinal(), place.slot, place.head, key, at},
              keyLanes)};
        };
        auto brought = [&]() -> Values {
          Value row = b.add(place.firstRow, b.sub(key, place.start));
          Value column = b.add(b.mul(place.head, b.index(headDim)), at);
          return {b.loadAligned(fresh, {row, column}, keyLanes)};
        };
        return b.choose(b.lt(key, place.start), type, stored, brought)[0];
      });
}

void AttentionTile::begin(const TilePlace &newPlace) {
  place = newPlace;
  queries = b.shared(buffers, queryBuffer);
  keys = b.shared(buffers, keyBuffer);
  weights = b.shared(buffers, weightBuffer);
  lane = b.rem(b.thread(), b.index(kLanes));
  group = b.div(b.thread(), b.index(kLanes));
  fillQueries();
}

void AttentionTile::append(Value from, Value to) {
  int64_t perRow = headDim / keyLanes;
  Value all = b.mul(b.sub(to, from), b.index(perRow));
  b.loop(b.thread(), all, b.index(b.threads), [&](Value number) {
    Value row = b.add(from, b.div(number, b.index(perRow)));
    Value at = b.mul(b.rem(number, b.index(perRow)), b.index(keyLanes));
    Values source = {b.add(place.firstRow, row),
                     b.add(b.mul(place.head, b.index(headDim)), at)};
    Values target = {op.getOrdinal(), place.slot, place.head,
                     b.add(place.start, row), at};
    b.storeAligned(b.loadAligned(op.getK(), source, keyLanes), op.getKPool(),
                   target);
    b.storeAligned(b.loadAligned(op.getV(), source, keyLanes), op.getVPool(),
                   target);
  });
}

static Value element(GPUEmitter &b, Value vector, int64_t i) {
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{i});
}

/// Scores of the thread's queries against its keys, query by query.
LoopBuilder::Values AttentionTile::scores() {
  int64_t perQuery = kKeys / kLanes;
  Values zeros(queriesPerThread * perQuery, b.f32(0));
  return b.loop(
      b.index(0), b.index(headDim), b.index(kVector), zeros,
      [&](Value at, ValueRange before) {
        Values next(before), query;
        for (int64_t i = 0; i < queriesPerThread; ++i)
          query.push_back(b.loadAligned(queries, {local(i), at}, kVector));
        for (int64_t j = 0; j < perQuery; ++j) {
          Value key = b.loadAligned(keys, {keyOf(j), at}, kVector);
          for (int64_t i = 0; i < queriesPerThread; ++i)
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
Value AttentionTile::softmax(int64_t i, Value first, ValueRange scores) {
  Values seen;
  Value top = maxima[i];
  for (auto [j, score] : llvm::enumerate(scores)) {
    Value allowed = b.le(b.add(first, keyOf(j)), limit(i));
    seen.push_back(b.select(allowed, score, b.f32(kLowest)));
    top = b.max(top, seen.back());
  }
  for (int64_t mask = kLanes / 2; mask >= 1; mask /= 2)
    top = b.max(top, b.shuffleXor(top, mask));
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
void AttentionTile::addValues(Value count) {
  sums = b.loop(
      b.index(0), count, b.index(kVector), sums,
      [&](Value first, ValueRange before) {
        Values next(before), weight;
        for (int64_t i = 0; i < queriesPerThread; ++i)
          weight.push_back(b.loadAligned(weights, {local(i), first}, kVector));
        for (int64_t j = 0; j < kVector; ++j)
          for (int64_t c = 0; c < vectors; ++c) {
            Value key = b.add(first, b.index(j));
            Value v = b.loadAligned(keys, {key, column(c)}, kVector);
            for (int64_t i = 0; i < queriesPerThread; ++i) {
              Value &sum = next[i * vectors + c];
              sum = b.fma(b.splat(element(b, weight[i], j), kVector), v, sum);
            }
          }
        return next;
      });
}

/// One block of keys; `running` and the result are maxima, totals, sums.
LoopBuilder::Values AttentionTile::block(Value first, ValueRange running) {
  maxima = Values(running.take_front(queriesPerThread));
  totals = Values(running.slice(queriesPerThread, queriesPerThread));
  sums = Values(running.drop_front(2 * queriesPerThread));
  b.barrier(); // The values of the block before are read.
  fillKeys(op.getKPool(), op.getK(), first);
  b.barrier();
  Values all = scores();
  int64_t perQuery = kKeys / kLanes;
  for (int64_t i = 0; i < queriesPerThread; ++i) {
    Value shrink = softmax(
        i, first, ValueRange(all).slice(i * perQuery, perQuery));
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

void AttentionTile::attend(Value lo, Value hi) {
  lastKey = b.sub(hi, b.index(1));
  Values running(queriesPerThread, b.f32(kLowest));
  running.append(queriesPerThread, b.f32(0));
  running.append(queriesPerThread * vectors, b.splat(0.0, kVector));
  Values result = b.loop(
      lo, hi, b.index(kKeys), running,
      [&](Value first, ValueRange before) { return block(first, before); });
  ValueRange all = result;
  maxima = Values(all.take_front(queriesPerThread));
  totals = Values(all.slice(queriesPerThread, queriesPerThread));
  sums = Values(all.drop_front(2 * queriesPerThread));
}

Value AttentionTile::total(int64_t i) {
  Value sum = totals[i];
  for (int64_t mask = kLanes / 2; mask >= 1; mask /= 2)
    sum = b.add(sum, b.shuffleXor(sum, mask));
  return sum;
}

void AttentionTile::columns(int64_t i, function_ref<void(Value, Value)> body) {
  for (int64_t c = 0; c < vectors; ++c) {
    auto inside = [&] { body(column(c), sums[i * vectors + c]); };
    if ((c + 1) * kLanes * kVector <= headDim)
      inside();
    else
      b.when(b.lt(column(c), b.index(headDim)), inside);
  }
}
