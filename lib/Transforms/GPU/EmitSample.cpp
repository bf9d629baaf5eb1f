//===- EmitSample.cpp - the next token: blocks of threads read pieces of a row
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GPUEmitter.h"
#include "braid/Transforms/Sampling.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace braid;

namespace {

class SampleRows {
public:
  SampleRows(GPUEmitter &b, SampleOp op)
      : b(b), op(op),
        width(cast<MemRefType>(op.getLogits().getType()).getShape()[1]),
        lanes(GPUEmitter::vectorLanes({op.getLogits()}, width)),
        pieces(std::clamp<int64_t>(width / lanes / kVectors, 1, kMostPieces)) {}
  void emit();

private:
  /// Rows that are read piece by piece: one block alone is slow. With more rows
  /// there are enough blocks.
  static constexpr int64_t kFewRows = 8, kMostPieces = 16;
  static constexpr int64_t kVectors = 128; ///< Of a piece, at least.
  /// Loads under way at once. With one more, sm_100a spills registers.
  static constexpr int64_t kAhead = 3;

  using Body = function_ref<void(bool)>;
  void ifWanted(Value row, Body body);
  Choice ofThread(Value row, Value begin, Value end, bool noisy);
  Choice ofWarp(Choice best);
  void ofBlock(Choice own, function_ref<void(Choice)> store);
  void chooseWhole(Value rows);
  void choosePiece(Value rows, Value scores, Value ids);
  void mergePieces(Value rows, Value scores, Value ids);

  GPUEmitter &b;
  SampleOp op;
  int64_t width, lanes, pieces;
  SharedMemory memory;
  size_t warpScores = 0, warpIds = 0;
};

} // namespace

/// Calls `body` with whether there is noise, which is the same for all threads.
void SampleRows::ifWanted(Value row, Body body) {
  Value temperature = b.load(op.getTemperatures(), {row}), zero = b.f32(0);
  b.when(b.le(zero, temperature), [&] {
    b.when(b.lt(zero, temperature), [&] { body(true); }, [&] { body(false); });
  });
}

/// Threads take the vectors [begin, end) in turns. Past the end they read the
/// last one again, which changes nothing.
Choice SampleRows::ofThread(Value row, Value begin, Value end, bool noisy) {
  Value last = b.sub(end, b.index(1));
  Choice none = Choice::none(b, lanes);
  LoopBuilder::Values best = b.loop(
      b.add(begin, b.thread()), end, b.index(kAhead * b.threads),
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
          choice = Choice::better(b, choice,
                                  scored(b, op, row, first, values, noisy));
        return LoopBuilder::Values{choice.score, choice.id};
      });
  return Choice::ofLanes(b, {best[0], best[1]});
}

Choice SampleRows::ofWarp(Choice best) {
  for (int64_t mask = kWarp / 2; mask >= 1; mask /= 2)
    best = Choice::better(
        b, best, {b.shuffleXor(best.score, mask), b.shuffleXor(best.id, mask)});
  return best;
}

/// All threads have to come by; one of them stores.
void SampleRows::ofBlock(Choice own, function_ref<void(Choice)> store) {
  Value scores = b.shared(memory, warpScores), ids = b.shared(memory, warpIds);
  Choice best = ofWarp(own);
  b.when(b.eq(b.lane(), b.i32(0)), [&] {
    b.store(best.score, scores, {b.warp()});
    b.store(best.id, ids, {b.warp()});
  });
  b.barrier();
  b.when(b.eq(b.thread(), b.index(0)), [&] {
    for (int64_t warp = 1; warp < b.threads / kWarp; ++warp)
      best = Choice::better(b, best,
                            {b.load(scores, {b.index(warp)}),
                             b.load(ids, {b.index(warp)})});
    store(best);
  });
}

void SampleRows::chooseWhole(Value rows) {
  b.launch(rows, b.index(1), memory, [&](Value row, Value) {
    ifWanted(row, [&](bool noisy) {
      Value end = b.index(width / lanes);
      ofBlock(ofThread(row, b.index(0), end, noisy), [&](Choice best) {
        b.store(reported(b, best), op.getChosen(), {row});
      });
    });
  });
}

void SampleRows::choosePiece(Value rows, Value scores, Value ids) {
  b.part = "pieces";
  Value size = b.index(llvm::divideCeil(width / lanes, pieces));
  b.launch(rows, b.index(pieces), memory, [&](Value row, Value piece) {
    ifWanted(row, [&](bool noisy) {
      Value begin = b.mul(piece, size);
      Value end = b.min(b.add(begin, size), b.index(width / lanes));
      ofBlock(ofThread(row, begin, end, noisy), [&](Choice best) {
        b.store(best.score, scores, {row, piece});
        b.store(best.id, ids, {row, piece});
      });
    });
  });
}

/// A warp takes the best of the pieces, a lane each.
void SampleRows::mergePieces(Value rows, Value scores, Value ids) {
  static_assert(kMostPieces <= kWarp);
  llvm::SaveAndRestore threads(b.threads, kWarp);
  b.part = "merge";
  b.launch(rows, b.index(1), SharedMemory(), [&](Value row, Value) {
    ifWanted(row, [&](bool) {
      Value piece = b.min(b.thread(), b.index(pieces - 1));
      Choice best = ofWarp(
          {b.load(scores, {row, piece}), b.load(ids, {row, piece})});
      b.when(b.eq(b.thread(), b.index(0)), [&] {
        b.store(reported(b, best), op.getChosen(), {row});
      });
    });
  });
}

void SampleRows::emit() {
  warpScores = memory.reserve({b.threads / kWarp}, b.getF32Type());
  warpIds = memory.reserve({b.threads / kWarp}, b.getI32Type());
  Value rows = b.dim(op.getChosen(), 0);
  if (pieces == 1)
    return chooseWhole(rows);
  Value scores = b.scratch({kFewRows, pieces}, b.getF32Type());
  Value ids = b.scratch({kFewRows, pieces}, b.getI32Type());
  auto few = [&] {
    choosePiece(rows, scores, ids);
    mergePieces(rows, scores, ids);
  };
  auto many = [&] {
    b.part.clear();
    chooseWhole(rows);
  };
  b.when(b.le(rows, b.index(kFewRows)), few, many);
}

void GPUEmitter::emit(SampleOp op) { SampleRows(*this, op).emit(); }
