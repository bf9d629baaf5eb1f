//===- EmitRouting.cpp - mixture of experts: choice, grouping, weighted sum
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include <limits>

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Routes one row. Scores lie in scratch, none below the lowest finite f32: only
/// what is out of the competition (chosen, or of a group that takes no part) is
/// -inf, and no bias can be mistaken for it.
struct RouteRow {
  Emitter &b;
  RouteOp op;
  Value row, probability, score, chosen, groupScore;
  int64_t experts, k, groups;

  static constexpr double kNever = -std::numeric_limits<double>::infinity();
  static constexpr double kLowest = std::numeric_limits<float>::lowest();

  void scores() {
    b.pieces(experts, b.lanes, [&](Value e, int64_t count) {
      Value l = b.loadVector(op.getLogits(), {row, e}, count);
      Value one = b.splat(1.0, count);
      Value s = b.div(one, b.add(one, b.exp(b.neg(l))));
      b.storeVector(s, probability, {e});
      // A NaN comes after all numbers, so that k experts are chosen even then.
      Value c = b.max(b.add(s, b.loadVector(op.getBias(), {e}, count)),
                      b.splat(kLowest, count));
      b.storeVector(c, score, {e});
      b.storeVector(b.splat(0.0, count), chosen, {e});
    });
  }

  /// Index of the largest of values[0, n); ties go to the lower index.
  Value largest(Value values, int64_t n) {
    Values best = b.loop(
        b.index(0), b.index(n), b.index(1),
        ValueRange{b.f32(kNever), b.index(0)},
        [&](Value e, ValueRange carried) {
          Value v = b.load(values, {e});
          Value better = b.lt(carried[0], v);
          return Values{b.select(better, v, carried[0]),
                        b.select(better, e, carried[1])};
        });
    return best[1];
  }

  /// Sum of the two largest scores of each group; the other groups drop out.
  void limitGroups() {
    int64_t size = experts / groups;
    b.loop(b.index(0), b.index(groups), [&](Value g) {
      Value base = b.mul(g, b.index(size));
      Values two = b.loop(
          b.index(0), b.index(size), b.index(1),
          ValueRange{b.f32(kNever), b.f32(kNever)},
          [&](Value e, ValueRange carried) {
            Value v = b.load(score, {b.add(base, e)});
            Value second = b.max(carried[1], b.min(carried[0], v));
            return Values{b.max(carried[0], v), second};
          });
      // One expert per group: there is no second. A sum may leave the range.
      Value sum = size > 1 ? b.add(two[0], two[1]) : two[0];
      b.store(b.max(sum, b.f32(kLowest)), groupScore, {g});
    });
    b.loop(b.index(0), b.index(int64_t(op.getGroupK())), [&](Value) {
      Value g = largest(groupScore, groups);
      b.store(b.f32(kNever), groupScore, {g});
      markGroup(g, size);
    });
    b.loop(b.index(0), b.index(experts), [&](Value e) {
      Value kept = b.lt(b.f32(0.5), b.load(chosen, {e}));
      b.store(b.select(kept, b.load(score, {e}), b.f32(kNever)), score, {e});
      b.store(b.f32(0), chosen, {e});
    });
  }

  void markGroup(Value g, int64_t size) {
    Value base = b.mul(g, b.index(size));
    b.loop(b.index(0), b.index(size),
           [&](Value e) { b.store(b.f32(1), chosen, {b.add(base, e)}); });
  }

  void choose() {
    b.loop(b.index(0), b.index(k), [&](Value) {
      Value e = largest(score, experts);
      b.store(b.f32(kNever), score, {e});
      b.store(b.f32(1), chosen, {e});
    });
  }

  /// Writes the chosen in ascending order; returns the sum of their weights.
  Value collect() {
    return b.loop(
        b.index(0), b.index(experts), b.index(1),
        ValueRange{b.index(0), b.f32(0)},
        [&](Value e, ValueRange carried) {
          Value taken = b.lt(b.f32(0.5), b.load(chosen, {e}));
          Type types[] = {b.getIndexType(), b.getF32Type()};
          return b.choose(
              taken, types,
              [&] {
                Value s = b.load(probability, {e});
                b.store(b.toI32(e), op.getIdsInit(), {row, carried[0]});
                b.store(s, op.getWeightsInit(), {row, carried[0]});
                return Values{b.add(carried[0], b.index(1)),
                              b.add(carried[1], s)};
              },
              [&] { return Values{carried[0], carried[1]}; });
        })[1];
  }

  void emit() {
    scores();
    if (groups > 1)
      limitGroups();
    choose();
    Value sum = collect();
    Value scale = b.f32(op.getScale().convertToDouble());
    b.loop(b.index(0), b.index(k), [&](Value j) {
      Value weight = b.load(op.getWeightsInit(), {row, j});
      if (op.getNormalise())
        weight = b.div(weight, b.add(sum, b.f32(1e-20)));
      b.store(b.mul(weight, scale), op.getWeightsInit(), {row, j});
    });
  }
};

} // namespace

void Emitter::emit(RouteOp op) {
  int64_t experts = cast<MemRefType>(op.getLogits().getType()).getDimSize(1);
  int64_t k = cast<MemRefType>(op.getIdsInit().getType()).getDimSize(1);
  int64_t groups = op.getGroups();
  Scratch buffers;
  size_t probability = buffers.reserve({experts}, getF32Type());
  size_t score = buffers.reserve({experts}, getF32Type());
  size_t chosen = buffers.reserve({experts}, getF32Type());
  size_t groupScore = buffers.reserve({groups}, getF32Type());
  parallelItems(dim(op.getLogits(), 0), 1, buffers.bytes(),
                [&](Value row, Value memory) {
    auto buffer = [&](size_t n) { return buffers.get(*this, memory, n); };
    RouteRow{*this,          op,
             row,            buffer(probability),
             buffer(score),  buffer(chosen),
             buffer(groupScore), experts,
             k,              groups}
        .emit();
  });
}

/// A counting sort; small beside any product, hence on one thread.
void Emitter::emit(GroupRowsOp op) {
  int64_t experts = cast<MemRefType>(op.getBegin().getType()).getDimSize(0) - 1;
  int64_t k = cast<MemRefType>(op.getIds().getType()).getDimSize(1);
  Value zero = index(0), one = index(1), begin = op.getBegin();
  Value active = op.getActive();
  Value pairs = mul(dim(op.getIds(), 0), index(k));
  auto expertOf = [&](Value pair) {
    return toIndex(
        load(op.getIds(), {div(pair, index(k)), rem(pair, index(k))}));
  };
  loop(zero, index(experts + 1), [&](Value e) { store(i32(0), begin, {e}); });
  loop(zero, pairs, [&](Value pair) {
    Value e = add(expertOf(pair), one);
    store(add(load(begin, {e}), i32(1)), begin, {e});
  });
  // Counts become ends; active experts are listed on the way.
  Values totals = loop(
      zero, index(experts), one, ValueRange{i32(0), zero},
      [&](Value e, ValueRange carried) {
        Value next = add(e, one);
        Value count = load(begin, {next});
        when(lt(i32(0), count),
             [&] { store(toI32(e), active, {add(carried[1], one)}); });
        Value more = select(lt(i32(0), count), one, zero);
        // Shifted by one expert: the fill below moves each to its own end.
        store(carried[0], begin, {next});
        return Values{add(carried[0], count), add(carried[1], more)};
      });
  store(toI32(totals[1]), active, {zero});
  loop(zero, pairs, [&](Value pair) {
    Value e = add(expertOf(pair), one);
    Value at = load(begin, {e});
    Value sorted = toIndex(at);
    store(toI32(pair), op.getOrder(),
          {div(sorted, index(k)), rem(sorted, index(k))});
    store(add(at, i32(1)), begin, {e});
  });
}

void Emitter::emit(CombineExpertsOp op) {
  auto type = cast<MemRefType>(op.getParts().getType());
  int64_t k = type.getDimSize(1), width = type.getDimSize(2);
  parallelItems(dim(op.getParts(), 0), 1, 0, [&](Value row, Value) {
    pieces(width, lanes, [&](Value column, int64_t count) {
      Value sum = loop(index(0), index(k), index(1),
                       ValueRange{splat(0.0, count)},
                       [&](Value j, ValueRange carried) {
                         Value weight = load(op.getWeights(), {row, j});
                         Value part = loadVector(op.getParts(),
                                                 {row, j, column}, count);
                         return Values{fma(splat(weight, count), part,
                                           carried[0])};
                       })[0];
      storeVector(sum, op.getInit(), {row, column});
    });
  });
}
