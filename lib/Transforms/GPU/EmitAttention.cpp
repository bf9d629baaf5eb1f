//===- EmitAttention.cpp - causal attention on a GPU
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step in which every sequence has one row is a decode step: the keys of each
// are split into ranges, a block takes one of them with all query heads of a key
// head, and a second kernel combines what the ranges gave. How many ranges there
// are follows from the context that the pools can hold, never from positions,
// so that the launches of a step can be recorded and repeated; blocks of ranges
// that a sequence has not reached leave at once. Any other step is one launch:
// blocks take tiles of the queries of one sequence, and all keys up to them.
//
//===----------------------------------------------------------------------===//
#include "AttentionTile.h"
#include "braid/Transforms/StepFields.h"

using namespace mlir;
using namespace braid;

namespace {

/// Keys of a range, where the context is short; ranges of a sequence, where it
/// is long. More ranges fill a GPU with few sequences, and cost memory.
constexpr int64_t kRangeKeys = 128;
constexpr int64_t kRanges = 64;
/// Ranges of all sequences that one launch takes.
constexpr int64_t kPartials = 2048;
/// Queries of a tile in a step of many rows. In f32 a thread's sums of twice as
/// many would not fit into registers for some head dimensions.
constexpr int64_t kMmaQueries = 64, kSimtQueries = 32;

class AttentionEmitter {
public:
  AttentionEmitter(GPUEmitter &b, AttentionOp op)
      : b(b), op(op), step(b, op.getBatch()), headDim(headDimOf(op)),
        shared(sharedHeads(op)),
        kvHeads(cast<MemRefType>(op.getKPool().getType()).getDimSize(2)) {}

  void emit() {
    Value rows = b.dim(op.getQ(), 0);
    Value sequences = step.sequences();
    b.when(b.eq(rows, sequences), [&] { decode(sequences); },
           [&] { prefill(rows, sequences); });
  }

private:
  void decode(Value sequences);
  void range(AttentionTile &tile, Value sequence, Value head, Value number,
             Value partial);
  void storePartial(AttentionTile &tile, Value head, Value partial);
  void combine(Value first, Value count);
  void combineColumns(Value sequence, Value partial, Value at);

  void prefill(Value rows, Value sequences);
  void tileOf(AttentionTile &tile, Value block, Value head);
  void attendTile(AttentionTile &tile, Value sequence, Value number, Value head);
  void storeResult(AttentionTile &tile, const TilePlace &place);

  Value queryHead(Value head, Value query) {
    Value within = b.rem(query, b.index(shared));
    return b.add(b.mul(head, b.index(shared)), within);
  }
  Value ceilDiv(Value a, int64_t divisor) {
    return b.div(b.add(a, b.index(divisor - 1)), b.index(divisor));
  }

  GPUEmitter &b;
  AttentionOp op;
  StepFields step;
  int64_t headDim, shared, kvHeads;
  /// Decode: keys of a range, ranges of a sequence; what each range gave.
  Value rangeKeys, ranges, sums, stats;
};

} // namespace

//===----------------------------------------------------------------------===//
// Every sequence has one row
//===----------------------------------------------------------------------===//

void AttentionEmitter::decode(Value sequences) {
  Value context = b.dim(op.getKPool(), 3);
  rangeKeys = b.mul(ceilDiv(context, kRanges * kRangeKeys),
                    b.index(kRangeKeys));
  ranges = b.div(b.add(context, b.sub(rangeKeys, b.index(1))), rangeKeys);
  int64_t heads = kvHeads * shared;
  sums = b.scratch({kPartials, heads, headDim}, b.getF32Type());
  stats = b.scratch({kPartials, heads, 2}, b.getF32Type());

  Value atOnce = b.div(b.index(kPartials), ranges);
  b.loop(b.index(0), sequences, atOnce, [&](Value first) {
    Value count = b.min(atOnce, b.sub(sequences, first));
    auto tile = AttentionTile::create(b, op, shared);
    b.part = "split";
    b.launch(count, b.mul(ranges, b.index(kvHeads)), tile->memory(),
             [&](Value block, Value y) {
               Value head = b.div(y, ranges), number = b.rem(y, ranges);
               Value partial = b.add(b.mul(block, ranges), number);
               range(*tile, b.add(first, block), head, number, partial);
             });
    combine(first, count);
  });
}

/// The range that holds the row's own key also appends it.
void AttentionEmitter::range(AttentionTile &tile, Value sequence, Value head,
                             Value number, Value partial) {
  Value position = step.position(sequence);
  Value lo = b.mul(number, rangeKeys);
  b.when(b.le(lo, position), [&] {
    tile.begin({step.slot(sequence), head, position, sequence, b.index(0),
                b.index(shared)});
    Value last = b.lt(position, b.add(lo, rangeKeys));
    b.when(last, [&] { tile.append(b.index(0), b.index(1)); });
    tile.attend(lo, b.min(b.add(lo, rangeKeys), b.add(position, b.index(1))));
    storePartial(tile, head, partial);
  });
}

void AttentionEmitter::storePartial(AttentionTile &tile, Value head,
                                    Value partial) {
  tile.finish(/*divide=*/false, [&](const TileResult &result) {
    Value h = queryHead(head, result.query);
    b.storeAligned(result.sums, sums, {partial, h, result.column});
    b.when(b.eq(result.column, b.index(0)), [&] {
      b.store(result.largest, stats, {partial, h, b.index(0)});
      b.store(result.total, stats, {partial, h, b.index(1)});
    });
  });
}

/// One thread for each vector of a result row.
void AttentionEmitter::combine(Value first, Value count) {
  int64_t lanes = b.vectorLanes({op.getInit(), sums}, headDim);
  int64_t vectors = kvHeads * shared * headDim / lanes;
  int64_t blocks = llvm::divideCeil(vectors, b.threads);
  b.part = "merge";
  b.launch(count, b.index(blocks), SharedMemory(), [&](Value block, Value y) {
    Value vector = b.add(b.mul(y, b.index(b.threads)), b.thread());
    b.when(b.lt(vector, b.index(vectors)), [&] {
      combineColumns(b.add(first, block), b.mul(block, ranges),
                     b.mul(vector, b.index(lanes)));
    });
  });
}

/// `partial` is the sequence's first; ranges are added in ascending order.
void AttentionEmitter::combineColumns(Value sequence, Value partial, Value at) {
  int64_t lanes = b.vectorLanes({op.getInit(), sums}, headDim);
  Value head = b.div(at, b.index(headDim)), column = b.rem(at, b.index(headDim));
  Value used = b.add(b.div(step.position(sequence), rangeKeys), b.index(1));
  auto stat = [&](Value r, int64_t which) {
    return b.load(stats, {b.add(partial, r), head, b.index(which)});
  };
  Value top = b.loop(b.index(1), used, b.index(1), stat(b.index(0), 0),
                     [&](Value r, ValueRange found) -> LoopBuilder::Values {
                       return {b.max(found[0], stat(r, 0))};
                     })[0];
  Value none = b.f32(0), zeros = b.splat(0.0, lanes);
  LoopBuilder::Values result = b.loop(
      b.index(0), used, b.index(1), {none, zeros},
      [&](Value r, ValueRange before) -> LoopBuilder::Values {
        Value weight = b.exp(b.sub(stat(r, 0), top));
        Value v = b.loadAligned(sums, {b.add(partial, r), head, column}, lanes);
        return {b.fma(stat(r, 1), weight, before[0]),
                b.fma(v, b.splat(weight, lanes), before[1])};
      });
  Value factor = b.div(b.f32(1.0), result[0]);
  b.storeAligned(b.mul(result[1], b.splat(factor, lanes)), op.getInit(),
                 {sequence, at});
}

//===----------------------------------------------------------------------===//
// Any other step
//===----------------------------------------------------------------------===//

/// A sequence has ceil(queries / size) tiles: no more in all than there are
/// whole tiles in the step, and one for each sequence.
void AttentionEmitter::prefill(Value rows, Value sequences) {
  bool mma = b.schedule.getStrategy() == "mma";
  auto tile = AttentionTile::create(b, op, mma ? kMmaQueries : kSimtQueries);
  b.part = "prefill";
  Value whole = b.div(b.mul(rows, b.index(shared)), b.index(tile->size()));
  b.launch(b.add(whole, sequences), b.index(kvHeads), tile->memory(),
           [&](Value block, Value head) { tileOf(*tile, block, head); });
}

/// Finds the block's tile among those of all sequences, if there are so many.
void AttentionEmitter::tileOf(AttentionTile &tile, Value block, Value head) {
  Value zero = b.index(0);
  LoopBuilder::Values found = b.loop(
      zero, step.sequences(), b.index(1), {zero, zero, zero},
      [&](Value s, ValueRange before) -> LoopBuilder::Values {
        Value rows = b.sub(step.rowBegin(b.add(s, b.index(1))),
                           step.rowBegin(s));
        Value tiles = ceilDiv(b.mul(rows, b.index(shared)), tile.size());
        Value reached = b.le(before[2], block);
        return {b.select(reached, s, before[0]),
                b.select(reached, before[2], before[1]),
                b.add(before[2], tiles)};
      });
  b.when(b.lt(block, found[2]), [&] {
    attendTile(tile, found[0], b.sub(block, found[1]), head);
  });
}

void AttentionEmitter::attendTile(AttentionTile &tile, Value sequence,
                                  Value number, Value head) {
  Value firstRow = step.rowBegin(sequence);
  Value rows = b.sub(step.rowBegin(b.add(sequence, b.index(1))), firstRow);
  Value queries = b.mul(rows, b.index(shared));
  Value query = b.mul(number, b.index(tile.size()));
  Value end = b.min(b.add(query, b.index(tile.size())), queries);
  TilePlace place = {step.slot(sequence), head,  step.position(sequence),
                     firstRow,            query, queries};
  tile.begin(place);
  // Rows belong to the tile that has their first query.
  tile.append(ceilDiv(query, shared), ceilDiv(end, shared));
  tile.attend(b.index(0), b.add(place.start, ceilDiv(end, shared)));
  storeResult(tile, place);
}

void AttentionEmitter::storeResult(AttentionTile &tile,
                                   const TilePlace &place) {
  int64_t lanes = b.vectorLanes(op.getInit(), headDim);
  tile.finish(/*divide=*/true, [&](const TileResult &result) {
    Value row = b.add(place.firstRow, b.div(result.query, b.index(shared)));
    Value base = b.mul(queryHead(place.head, result.query), b.index(headDim));
    b.storePieces(result.sums, op.getInit(), {row, b.add(base, result.column)}, lanes);
  });
}

LogicalResult GPUEmitter::emit(AttentionOp op) {
  StringRef reason = AttentionTile::whyNot(op, schedule);
  if (!reason.empty())
    return op.emitOpError(reason);
  AttentionEmitter(*this, op).emit();
  return success();
}
