//===- EmitGroupRows.cpp - sorting (row, choice) pairs by expert on a GPU
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Routing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// A counting sort by one block. Each warp has a run of consecutive pairs and
/// counters of its own, 32 pairs at a time: lanes with the same expert find each
/// other, so nothing depends on which thread comes first.
struct GroupBlock {
  GPUEmitter &b;
  GroupRowsOp op;
  Value ids, order; ///< Flat.
  Value counts;     ///< [warps, experts]: pairs; then, those of earlier warps.
  Value starts;     ///< [experts]: pairs of all warps; then, where they begin.
  int64_t experts;

  int64_t warps() const { return b.threads / kWarp; }
  Value one(Value condition) {
    return b.select(condition, b.i32(1), b.i32(0));
  }
  Value bitsIn(Value mask) { return math::CtPopOp::create(b, mask); }

  /// What 32 pairs come to: the lane's pair and expert, -1 behind the last; how
  /// many lower lanes have the same expert, and how many in all.
  struct Step {
    Value pair, expert, valid, before, all;
  };

  void forEachStep(function_ref<void(const Step &)> body) {
    Value pairs = b.dim(ids, 0);
    Value run = b.div(b.add(pairs, b.index(b.threads - 1)),
                      b.index(b.threads));
    run = b.mul(run, b.index(kWarp));
    Value lane = b.lane(), begin = b.mul(b.warp(), run);
    Value end = b.min(b.add(begin, run), pairs);
    Value lower = b.sub(arith::ShLIOp::create(b, b.i32(1), lane), b.i32(1));
    b.loop(begin, end, b.index(kWarp), [&](Value first) {
      Step step;
      step.pair = b.add(first, b.toIndex(lane));
      step.valid = b.lt(step.pair, end);
      step.expert = b.choose(
          step.valid, b.getI32Type(),
          [&] { return Values{b.load(ids, {step.pair})}; },
          [&] { return Values{b.i32(-1)}; })[0];
      Value same = b.lanesWith(step.expert);
      step.before = bitsIn(b.both(same, lower));
      step.all = bitsIn(same);
      body(step);
      b.syncWarp();
    });
  }

  /// The first lane of each expert adds its pairs to the warp's counter.
  void count(const Step &step) {
    Value first = b.eq(step.before, b.i32(0));
    b.when(b.both(step.valid, first), [&] {
      Value at[] = {b.warp(), b.toIndex(step.expert)};
      b.store(b.add(b.load(counts, at), step.all), counts, at);
    });
  }

  void clearCounts() {
    for (int64_t w = 0; w < warps(); ++w)
      forEachExpert([&](Value e) { b.store(b.i32(0), counts, {b.index(w), e}); });
    b.barrier();
  }

  void forEachExpert(function_ref<void(Value)> body) {
    b.loop(b.thread(), b.index(experts), b.index(b.threads), body);
  }

  /// Over the warps, in their order.
  void sumCounts() {
    forEachExpert([&](Value e) {
      Value sum = b.loop(
          b.index(0), b.index(warps()), b.index(1), ValueRange{b.i32(0)},
          [&](Value w, ValueRange carried) {
            Value own = b.load(counts, {w, e});
            b.store(carried[0], counts, {w, e});
            return Values{b.add(carried[0], own)};
          })[0];
      b.store(sum, starts, {e});
    });
    b.barrier();
  }

  /// Over the experts; by one warp, each lane of which has a run of them.
  void sumExperts() {
    Value run = b.index(llvm::divideCeil(experts, kWarp));
    Value first = b.mul(b.toIndex(b.lane()), run);
    Value end = b.min(b.add(first, run), b.index(experts));
    auto pass = [&](Value pairs, Value used,
                    function_ref<void(Value, Value, Value, Value)> body) {
      return b.loop(first, end, b.index(1), ValueRange{pairs, used},
                    [&](Value e, ValueRange carried) {
                      Value own = b.load(starts, {e});
                      Value active = b.lt(b.i32(0), own);
                      body(e, active, carried[0], carried[1]);
                      return Values{b.add(carried[0], own),
                                    b.add(carried[1], one(active))};
                    });
    };
    Values own = pass(b.i32(0), b.i32(0), [](Value, Value, Value, Value) {});
    Values ends = pass(
        b.sumBefore(own[0]), b.sumBefore(own[1]),
        [&](Value e, Value active, Value pairs, Value used) {
          b.store(pairs, starts, {e});
          b.store(pairs, op.getBegin(), {e});
          b.when(active, [&] {
            b.store(b.toI32(e), op.getActive(),
                    {b.add(b.toIndex(used), b.index(1))});
          });
        });
    b.when(b.eq(b.lane(), b.i32(31)), [&] {
      b.store(ends[0], op.getBegin(), {b.index(experts)});
      b.store(ends[1], op.getActive(), {b.index(0)});
    });
  }

  void place(const Step &step) {
    b.when(step.valid, [&] {
      Value e = b.toIndex(step.expert);
      Value at = b.add(b.load(starts, {e}), b.load(counts, {b.warp(), e}));
      b.store(b.toI32(step.pair), order,
              {b.toIndex(b.add(at, step.before))});
    });
    // All lanes have read what the first of each expert now moves on.
    b.syncWarp();
    count(step);
  }

  void emit() {
    clearCounts();
    forEachStep([&](const Step &step) { count(step); });
    b.barrier();
    sumCounts();
    b.when(b.eq(b.warp(), b.index(0)), [&] { sumExperts(); });
    b.barrier();
    forEachStep([&](const Step &step) { place(step); });
  }
};

} // namespace

static Value flat(OpBuilder &b, Location loc, Value pairs) {
  return memref::CollapseShapeOp::create(b, loc, pairs,
                                         ArrayRef<ReassociationIndices>{{0, 1}});
}

GroupRowsBlock::GroupRowsBlock(GPUEmitter &b, GroupRowsOp op)
    : b(b), op(op),
      experts(cast<MemRefType>(op.getBegin().getType()).getDimSize(0) - 1) {}

void GroupRowsBlock::reserve(SharedMemory &memory) {
  counts = memory.reserve({b.threads / kWarp, experts}, b.getI32Type());
  starts = memory.reserve({experts}, b.getI32Type());
}

void GroupRowsBlock::emit(const SharedMemory &memory) {
  GroupBlock{b,
             op,
             flat(b, b.getLoc(), op.getIds()),
             flat(b, b.getLoc(), op.getOrder()),
             b.shared(memory, counts),
             b.shared(memory, starts),
             experts}
      .emit();
}

void GPUEmitter::emit(GroupRowsOp op) {
  GroupRowsBlock group(*this, op);
  SharedMemory memory;
  group.reserve(memory);
  launch(index(1), index(1), memory,
         [&](Value, Value) { group.emit(memory); });
}
