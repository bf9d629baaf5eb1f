//===- EmitSample.cpp - the next token: a block of threads per row
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GPUEmitter.h"
#include "braid/Transforms/Sampling.h"

using namespace mlir;
using namespace braid;

namespace {

/// The block's threads take the row's vectors in turns.
struct SampleRow {
  GPUEmitter &b;
  SampleOp op;
  Value row;
  int64_t width, lanes;

  /// Loads under way at once: a row comes from far, and its one block has to
  /// make up for that. With one more, sm_100a spills registers.
  static constexpr int64_t kAhead = 3;

  /// The thread's own best. Past the end it reads the last vector again, which
  /// changes nothing.
  Choice ofThread(bool noisy) {
    int64_t vectors = width / lanes;
    Value last = b.index(vectors - 1);
    Choice none = Choice::none(b, lanes);
    LoopBuilder::Values best = b.loop(
        b.thread(), b.index(vectors), b.index(kAhead * b.threads),
        ValueRange{none.score, none.id}, [&](Value vector, ValueRange so) {
          LoopBuilder::Values firsts, logits;
          for (int64_t i = 0; i < kAhead; ++i) {
            Value next = b.min(b.add(vector, b.index(i * b.threads)), last);
            firsts.push_back(b.mul(next, b.index(lanes)));
            logits.push_back(
                b.loadAligned(op.getLogits(), {row, firsts.back()}, lanes));
          }
          Choice choice{so[0], so[1]};
          for (auto [first, values] : llvm::zip_equal(firsts, logits))
            choice = Choice::better(
                b, choice, scored(b, op, row, first, values, noisy));
          return LoopBuilder::Values{choice.score, choice.id};
        });
    return Choice::ofLanes(b, {best[0], best[1]});
  }

  Choice ofWarp(Choice best) {
    for (int64_t mask = 16; mask >= 1; mask /= 2)
      best = Choice::better(
          b, best, {b.shuffleXor(best.score, mask), b.shuffleXor(best.id, mask)});
    return best;
  }

  /// All threads have to come by.
  void choose(bool noisy, Value scores, Value ids) {
    Choice best = ofWarp(ofThread(noisy));
    b.when(b.eq(b.lane(), b.i32(0)), [&] {
      b.store(best.score, scores, {b.warp()});
      b.store(best.id, ids, {b.warp()});
    });
    b.barrier();
    b.when(b.eq(b.thread(), b.index(0)), [&] {
      for (int64_t warp = 1; warp < b.threads / 32; ++warp)
        best = Choice::better(b, best,
                              {b.load(scores, {b.index(warp)}),
                               b.load(ids, {b.index(warp)})});
      b.store(reported(b, best), op.getChosen(), {row});
    });
  }
};

} // namespace

void GPUEmitter::emit(SampleOp op) {
  int64_t width = cast<MemRefType>(op.getLogits().getType()).getShape()[1];
  int64_t lanes = vectorLanes({op.getLogits()}, width);
  SharedMemory memory;
  size_t scores = memory.reserve({threads / 32}, getF32Type());
  size_t ids = memory.reserve({threads / 32}, getI32Type());
  launch(dim(op.getChosen(), 0), index(1), memory, [&](Value row, Value) {
    Value temperature = load(op.getTemperatures(), {row});
    SampleRow sample{*this, op, row, width, lanes};
    auto choose = [&](bool noisy) {
      sample.choose(noisy, shared(memory, scores), shared(memory, ids));
    };
    when(le(f32(0), temperature), [&] {
      when(lt(f32(0), temperature), [&] { choose(true); },
           [&] { choose(false); });
    });
  });
}
