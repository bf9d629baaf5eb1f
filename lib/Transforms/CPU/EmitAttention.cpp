//===- EmitAttention.cpp - causal attention with a key-value pool
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Keys per block of the running softmax. Blocks lie at multiples of it from
/// position 0 on, so sums do not depend on how rows are cut into steps.
constexpr int64_t kBlock = 64;
/// Below every score; not -inf, as differences of two are formed.
constexpr double kLowest = -3.4e38;

/// Appends keys and values, then attends: one work item is a row and a key head
/// with all query heads that share it.
class AttentionEmitter {
public:
  AttentionEmitter(Emitter &b, AttentionOp op) : b(b), op(op) {
    auto pool = cast<MemRefType>(op.getKPool().getType());
    kvHeads = pool.getDimSize(2);
    headDim = pool.getDimSize(4);
    shared = cast<MemRefType>(op.getQ().getType()).getDimSize(1) / headDim /
             kvHeads;
    pieces = piecesOf(headDim, b.lanes);
    Type f32 = b.getF32Type();
    scores = buffers.reserve({shared, kBlock}, f32);
    sums = buffers.reserve({shared, headDim}, f32);
    queries = buffers.reserve({shared, headDim}, f32);
    maxima = buffers.reserve({shared}, f32);
    totals = buffers.reserve({shared}, f32);
  }

  void emit() {
    append();
    Value items = b.mul(b.dim(op.getQ(), 0), b.index(kvHeads));
    b.parallelItems(items, 1, buffers.bytes(), [&](Value item, Value memory) {
      attend(b.div(item, b.index(kvHeads)), b.rem(item, b.index(kvHeads)),
             memory);
    });
  }

private:
  void append();
  void attend(Value row, Value head, Value memory);
  void begin(Value row, Value head);
  void block(Value head, Value first, Value count);
  void scoreKeys(Value head, Value first, Value count);
  void rescale(Value r);
  void addValues(Value head, Value first, Value count);
  void finish(Value row, Value head);
  std::pair<Value, Value> placeOf(Value row);

  Values keyAt(Value head, Value position, Value column) {
    return {op.getOrdinal(), slot, head, position, column};
  }
  Value queryColumn(Value head, Value r, Value column) {
    Value which = b.add(b.mul(head, b.index(shared)), r);
    return b.add(b.mul(which, b.index(headDim)), column);
  }
  Value buffer(Value memory, size_t number) {
    return buffers.get(b, memory, number);
  }

  Emitter &b;
  AttentionOp op;
  int64_t kvHeads, headDim, shared;
  SmallVector<Piece> pieces;
  Scratch buffers;
  size_t scores, sums, queries, maxima, totals;
  Value slot, score, sum, query, maximum, total;
};

} // namespace

/// (slot, position) of a row: its sequence is found among the ranges.
std::pair<Value, Value> AttentionEmitter::placeOf(Value row) {
  Value last = b.sub(b.sequences(), b.index(1));
  Value sequence = b.loop(b.index(0), last, b.index(1), ValueRange{b.index(0)},
                          [&](Value s, ValueRange found) {
                            Value next = b.add(s, b.index(1));
                            Value after = b.le(b.rowBegin(next), row);
                            return Values{b.select(after, next, found[0])};
                          })[0];
  Value position = b.add(b.position(sequence),
                         b.sub(row, b.rowBegin(sequence)));
  return {b.slot(sequence), position};
}

void AttentionEmitter::append() {
  b.parallelItems(b.dim(op.getK(), 0), 8, 0, [&](Value row, Value) {
    auto [rowSlot, position] = placeOf(row);
    slot = rowSlot;
    b.loop(b.index(0), b.index(kvHeads), [&](Value head) {
      Value base = b.mul(head, b.index(headDim));
      b.pieces(headDim, b.lanes, [&](Value column, int64_t count) {
        Values to = keyAt(head, position, column);
        Values from = {row, b.add(base, column)};
        b.storeVector(b.loadVector(op.getK(), from, count), op.getKPool(), to);
        b.storeVector(b.loadVector(op.getV(), from, count), op.getVPool(), to);
      });
    });
  });
}

void AttentionEmitter::begin(Value row, Value head) {
  Value scale = b.f32(op.getScale().convertToDouble());
  b.loop(b.index(0), b.index(shared), [&](Value r) {
    b.store(b.f32(kLowest), maximum, {r});
    b.store(b.f32(0), total, {r});
    for (Piece piece : pieces) {
      Value at = b.index(piece.offset);
      Value q = b.loadVector(op.getQ(), {row, queryColumn(head, r, at)},
                             piece.lanes);
      b.storeVector(b.mul(q, b.splat(scale, piece.lanes)), query, {r, at});
      b.storeVector(b.splat(0.0, piece.lanes), sum, {r, at});
    }
  });
}

void AttentionEmitter::scoreKeys(Value head, Value first, Value count) {
  b.loop(b.index(0), count, [&](Value j) {
    Values keys;
    for (Piece piece : pieces)
      keys.push_back(b.loadVector(
          op.getKPool(),
          keyAt(head, b.add(first, j), b.index(piece.offset)), piece.lanes));
    for (int64_t r = 0; r < shared; ++r) {
      Value row = b.index(r), dot, rest = b.f32(0);
      for (auto [p, piece] : llvm::enumerate(pieces)) {
        Value q = b.loadVector(query, {row, b.index(piece.offset)},
                               piece.lanes);
        if (piece.lanes == pieces[0].lanes)
          dot = dot ? b.fma(q, keys[p], dot) : b.mul(q, keys[p]);
        else
          rest = b.add(rest, b.sumLanes(b.mul(q, keys[p])));
      }
      b.store(b.add(b.sumLanes(dot), rest), score, {row, j});
    }
  });
  // A block that is not full: the rest must not count.
  b.loop(count, b.index(kBlock), [&](Value j) {
    for (int64_t r = 0; r < shared; ++r)
      b.store(b.f32(kLowest), score, {b.index(r), j});
  });
}

/// Scores become exp(score - maximum); earlier sums shrink if it has grown.
void AttentionEmitter::rescale(Value r) {
  int64_t step = std::min(kBlock, b.lanes);
  Value top = b.splat(kLowest, step);
  for (int64_t j = 0; j < kBlock; j += step)
    top = b.max(top, b.loadVector(score, {r, b.index(j)}, step));
  Value old = b.load(maximum, {r});
  Value now = b.max(old, b.maxLanes(top));
  Value shrink = b.exp(b.sub(old, now));
  Value added = b.splat(0.0, step);
  for (int64_t j = 0; j < kBlock; j += step) {
    Value e = b.exp(b.sub(b.loadVector(score, {r, b.index(j)}, step),
                          b.splat(now, step)));
    b.storeVector(e, score, {r, b.index(j)});
    added = b.add(added, e);
  }
  b.store(b.fma(b.load(total, {r}), shrink, b.sumLanes(added)), total, {r});
  b.store(now, maximum, {r});
  for (Piece piece : pieces) {
    Value at = b.index(piece.offset);
    b.storeVector(b.mul(b.loadVector(sum, {r, at}, piece.lanes),
                        b.splat(shrink, piece.lanes)),
                  sum, {r, at});
  }
}

void AttentionEmitter::addValues(Value head, Value first, Value count) {
  b.tiles(b.index(0), b.index(shared), 2, [&](Value r, int64_t rows) {
    Values init;
    for (int64_t i = 0; i < rows; ++i)
      for (Piece piece : pieces)
        init.push_back(b.loadVector(
            sum, {b.add(r, b.index(i)), b.index(piece.offset)}, piece.lanes));
    Values result = b.accumulate(
        rows, pieces, b.index(0), count, init,
        [&](int64_t i, Value j) {
          return b.load(score, {b.add(r, b.index(i)), j});
        },
        [&](Value j, Piece piece) {
          return b.loadVector(
              op.getVPool(),
              keyAt(head, b.add(first, j), b.index(piece.offset)), piece.lanes);
        });
    for (int64_t i = 0; i < rows; ++i)
      for (auto [p, piece] : llvm::enumerate(pieces))
        b.storeVector(result[i * pieces.size() + p], sum,
                      {b.add(r, b.index(i)), b.index(piece.offset)});
  });
}

void AttentionEmitter::block(Value head, Value first, Value count) {
  scoreKeys(head, first, count);
  b.loop(b.index(0), b.index(shared), [&](Value r) { rescale(r); });
  addValues(head, first, count);
}

void AttentionEmitter::finish(Value row, Value head) {
  b.loop(b.index(0), b.index(shared), [&](Value r) {
    Value factor = b.div(b.f32(1.0), b.load(total, {r}));
    for (Piece piece : pieces) {
      Value at = b.index(piece.offset);
      b.storeVector(b.mul(b.loadVector(sum, {r, at}, piece.lanes),
                          b.splat(factor, piece.lanes)),
                    op.getInit(), {row, queryColumn(head, r, at)});
    }
  });
}

void AttentionEmitter::attend(Value row, Value head, Value memory) {
  score = buffer(memory, scores), sum = buffer(memory, sums);
  query = buffer(memory, queries), maximum = buffer(memory, maxima);
  total = buffer(memory, totals);
  auto [rowSlot, position] = placeOf(row);
  slot = rowSlot;
  begin(row, head);
  Value keys = b.add(position, b.index(1));
  b.loop(b.index(0), keys, b.index(kBlock), [&](Value first) {
    block(head, first, b.min(b.sub(keys, first), b.index(kBlock)));
  });
  finish(row, head);
}

void Emitter::emit(AttentionOp op) { AttentionEmitter(*this, op).emit(); }
