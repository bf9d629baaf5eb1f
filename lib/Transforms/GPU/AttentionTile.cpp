//===- AttentionTile.cpp - a tile of queries against a range of keys
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionTile.h"
#include <numeric>

using namespace mlir;
using namespace braid;

int64_t braid::headDimOf(AttentionOp op) {
  return cast<MemRefType>(op.getKPool().getType()).getDimSize(4);
}

int64_t braid::sharedHeads(AttentionOp op) {
  int64_t width = cast<MemRefType>(op.getQ().getType()).getDimSize(1);
  int64_t kvWidth = cast<MemRefType>(op.getK().getType()).getDimSize(1);
  return width / kvWidth;
}

/// Elements of one access of at most 16 bytes. A row of a pool is a head's
/// columns, so its strides, which its type does not tell, divide as they do.
static int64_t commonLanes(AttentionOp op) {
  int64_t bits =
      cast<MemRefType>(op.getKPool().getType()).getElementTypeBitWidth();
  int64_t lanes = GPUEmitter::vectorLanes({op.getQ(), op.getK(), op.getV()},
                                          headDimOf(op));
  return std::gcd(lanes, 128 / bits);
}

static StringRef whyNoMma(AttentionOp op) {
  for (Value v : {op.getQ(), op.getK(), op.getV(), op.getKPool()})
    if (!cast<MemRefType>(v.getType()).getElementType().isBF16())
      return "has operands that are not bf16: the schedule cannot be mma";
  if (commonLanes(op) < 2)
    return "needs rows whose elements can be read in pairs";
  return "";
}

StringRef AttentionTile::whyNot(AttentionOp op, GPUScheduleAttr schedule) {
  if (headDimOf(op) % 4 != 0 || headDimOf(op) > 128)
    return "needs a head dimension that is a multiple of 4, at most 128";
  if (sharedHeads(op) > 64)
    return "has more than 64 query heads for a key head";
  // A tile of 64 queries: 4 of each thread, or 16 of each warp.
  if (schedule.getThreads() != 128)
    return "needs blocks of 128 threads";
  return schedule.getStrategy() == "mma" ? whyNoMma(op) : "";
}

std::unique_ptr<AttentionTile>
AttentionTile::create(GPUEmitter &b, AttentionOp op, int64_t queries) {
  return b.schedule.getStrategy() == "mma" ? makeMmaTile(b, op, queries)
                                           : makeSimtTile(b, op, queries);
}

AttentionTile::AttentionTile(GPUEmitter &b, AttentionOp op, int64_t queries)
    : b(b), op(op), queries(queries), headDim(headDimOf(op)),
      shared(sharedHeads(op)), lanes(commonLanes(op)) {}

Value AttentionTile::limit(Value local) {
  Value last = b.sub(place.queries, b.index(1));
  Value f = b.min(b.add(place.query, local), last);
  return b.add(place.start, b.div(f, b.index(shared)));
}

LoopBuilder::Values AttentionTile::queryAt(Value local, Value at) {
  Value f = b.add(place.query, local);
  Value head = b.add(b.mul(place.head, b.index(shared)),
                     b.rem(f, b.index(shared)));
  return {b.add(place.firstRow, b.div(f, b.index(shared))),
          b.add(b.mul(head, b.index(headDim)), at)};
}

LoopBuilder::Values AttentionTile::freshAt(Value key, Value at) {
  return {b.add(place.firstRow, b.sub(key, place.start)),
          b.add(b.mul(place.head, b.index(headDim)), at)};
}

void AttentionTile::append(Value from, Value to) {
  int64_t perRow = headDim / lanes;
  Value all = b.mul(b.sub(to, from), b.index(perRow));
  b.loop(b.thread(), all, b.index(b.threads), [&](Value number) {
    Value row = b.add(from, b.div(number, b.index(perRow)));
    Value at = b.mul(b.rem(number, b.index(perRow)), b.index(lanes));
    Value key = b.add(place.start, row);
    Values source = freshAt(key, at), target = storedAt(key, at);
    b.storeAligned(b.loadAligned(op.getK(), source, lanes), op.getKPool(),
                   target);
    b.storeAligned(b.loadAligned(op.getV(), source, lanes), op.getVPool(),
                   target);
  });
}
