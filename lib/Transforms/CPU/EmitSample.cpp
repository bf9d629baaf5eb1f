//===- EmitSample.cpp - the next token: one thread per row
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "braid/Transforms/Sampling.h"

using namespace mlir;
using namespace braid;

/// The best id of a row, from whole vectors and what is left in pieces.
static Choice bestOf(Emitter &b, SampleOp op, Value row, bool noisy) {
  int64_t width = cast<MemRefType>(op.getLogits().getType()).getShape()[1];
  int64_t lanes = b.lanes, whole = width / lanes * lanes;
  auto at = [&](Value first, int64_t count) {
    Value logits = b.loadVector(op.getLogits(), {row, first}, count);
    return scored(b, op, row, first, logits, noisy);
  };
  Choice best = Choice::none(b, lanes);
  LoopBuilder::Values carried = b.loop(
      b.index(0), b.index(whole), b.index(lanes),
      ValueRange{best.score, best.id}, [&](Value first, ValueRange so) {
        Choice next = Choice::better(b, {so[0], so[1]}, at(first, lanes));
        return LoopBuilder::Values{next.score, next.id};
      });
  best = Choice::ofLanes(b, {carried[0], carried[1]});
  for (Piece piece : piecesOf(width - whole, lanes)) {
    Value first = b.index(whole + piece.offset);
    best = Choice::better(b, best, Choice::ofLanes(b, at(first, piece.lanes)));
  }
  return best;
}

void Emitter::emit(SampleOp op) {
  parallelItems(dim(op.getChosen(), 0), 1, 0, [&](Value row, Value) {
    Value temperature = load(op.getTemperatures(), {row});
    auto report = [&](bool noisy) {
      store(reported(*this, bestOf(*this, op, row, noisy)), op.getChosen(),
            {row});
    };
    when(le(f32(0), temperature), [&] {
      when(lt(f32(0), temperature), [&] { report(true); },
           [&] { report(false); });
    });
  });
}
