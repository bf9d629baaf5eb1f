//===- EmitRoute.cpp - the choice of experts on a GPU: a warp per row
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Routing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Routes one row. Each lane has a run of consecutive experts, so that the
/// ascending order is that of lanes, and within a lane that of its run. Scores
/// are finite or infinite, never below the lowest finite f32: -inf is out of the
/// competition, as an expert of a group that takes no part, or none at all.
struct RouteWarp {
  GPUEmitter &b;
  RouteOp op;
  Value row, score, groupScore, takesPart, ids, shares;
  int64_t experts, k, groups, run;

  static constexpr double kNever = -std::numeric_limits<double>::infinity();
  static constexpr double kLowest = std::numeric_limits<float>::lowest();

  Value lane() { return b.toIndex(b.lane()); }
  Value expert(int64_t i) {
    return b.add(b.mul(lane(), b.index(run)), b.index(i));
  }
  Value sigmoid(Value logit) {
    return b.div(b.f32(1.0), b.add(b.f32(1.0), b.exp(b.neg(logit))));
  }

  /// `read` of the run's experts; -inf where there is none. Experts come in
  /// vectors of `lanes`, which lie inside or outside as a whole.
  Values ofRun(int64_t lanes, function_ref<Value(Value)> read) {
    Values values;
    auto type = VectorType::get({lanes}, b.getF32Type());
    for (int64_t i = 0; i < run; i += lanes) {
      Value vector = b.choose(
          b.lt(expert(i), b.index(experts)), type,
          [&] { return Values{read(expert(i))}; },
          [&] { return Values{b.splat(kNever, lanes)}; })[0];
      for (int64_t j = 0; j < lanes; ++j)
        values.push_back(vector::ExtractOp::create(b, vector, j));
    }
    return values;
  }

  Values scores() {
    int64_t lanes = GPUEmitter::vectorLanes({op.getLogits(), op.getBias()},
                                            std::gcd(run, experts));
    return ofRun(lanes, [&](Value e) {
      Value l = b.loadAligned(op.getLogits(), {row, e}, lanes);
      Value one = b.splat(1.0, lanes);
      Value s = b.div(one, b.add(one, b.exp(b.neg(l))));
      Value c = b.add(s, b.loadAligned(op.getBias(), {e}, lanes));
      // A NaN comes after all numbers, so that k experts are chosen even then.
      return b.max(c, b.splat(kLowest, lanes));
    });
  }

  /// Calls `body` with the numbers of [0, n), going round the lanes.
  void spread(int64_t n, function_ref<void(Value)> body) {
    b.loop(lane(), b.index(n), b.index(kWarp), body);
  }

  /// The sum of a group's two largest scores. It may leave the range.
  void scoreGroup(Value group) {
    int64_t size = experts / groups;
    Value first = b.mul(group, b.index(size));
    Values two = b.loop(
        b.index(0), b.index(size), b.index(1),
        ValueRange{b.f32(kNever), b.f32(kNever)},
        [&](Value i, ValueRange carried) {
          Value v = b.load(score, {b.add(first, i)});
          Value second = b.max(carried[1], b.min(carried[0], v));
          return Values{b.max(carried[0], v), second};
        });
    Value sum = size > 1 ? b.add(two[0], two[1]) : two[0];
    b.store(b.max(sum, b.f32(kLowest)), groupScore, {group});
  }

  /// A group takes part if fewer than `group_k` others come before it.
  void rankGroup(Value group) {
    Value own = b.load(groupScore, {group});
    Value before = b.loop(
        b.index(0), b.index(groups), b.index(1), ValueRange{b.i32(0)},
        [&](Value other, ValueRange carried) {
          Value v = b.load(groupScore, {other});
          Value wins = b.select(b.lt(other, group), b.le(own, v), b.lt(own, v));
          return Values{
              b.add(carried[0], b.select(wins, b.i32(1), b.i32(0)))};
        })[0];
    Value yes = b.lt(before, b.i32(int64_t(op.getGroupK())));
    b.store(b.select(yes, b.i32(1), b.i32(0)), takesPart, {group});
  }

  /// The scores, -inf for experts of groups that take no part.
  Values limitGroups(ValueRange scores) {
    for (auto [i, c] : llvm::enumerate(scores))
      b.when(b.lt(expert(i), b.index(experts)),
             [&, c = c, i = i] { b.store(c, score, {expert(i)}); });
    b.syncWarp();
    spread(groups, [&](Value group) { scoreGroup(group); });
    b.syncWarp();
    spread(groups, [&](Value group) { rankGroup(group); });
    b.syncWarp();
    return ofRun(1, [&](Value e) {
      Value group = b.div(e, b.index(experts / groups));
      Value yes = b.eq(b.load(takesPart, {group}), b.i32(1));
      Value c = b.select(yes, b.load(score, {e}), b.f32(kNever));
      return b.splat(c, 1);
    });
  }

  /// An integer that is ordered as `score` is. None is -0: s + bias is not.
  Value key(Value score) {
    Value bits = arith::BitcastOp::create(b, b.getI32Type(), score);
    Value sign = arith::ShRSIOp::create(b, bits, b.i32(31));
    Value flip = arith::AndIOp::create(b, sign, b.i32(0x7fffffff));
    return arith::XOrIOp::create(b, bits, flip);
  }

  Value differ(Value x, Value y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, y);
  }
  Value one(Value condition, int64_t value) {
    return b.select(condition, b.i32(value), b.i32(0));
  }
  /// How many keys of the row are `limit` or more.
  Value countFrom(ValueRange keys, Value limit) {
    Value count = b.i32(0);
    for (Value key : keys)
      count = b.add(count, one(b.le(limit, key), 1));
    return b.sumWarp(count);
  }

  /// A limit that k keys reach, or more if some are equal to it: found bit by
  /// bit, from the highest on, until exactly k reach it or no bit is left.
  Value limitOf(ValueRange keys) {
    Value lowest = b.i32(std::numeric_limits<int32_t>::min());
    // The limit, the bit to try, and how many reach the limit.
    Values start = {lowest, lowest, b.i32(experts + 1)};
    Value want = b.i32(k);
    auto search = scf::WhileOp::create(
        b, ValueRange(start).getTypes(), start,
        [&](OpBuilder &, Location, ValueRange state) {
          Value more = differ(state[1], b.i32(0));
          Value open = differ(state[2], want);
          scf::ConditionOp::create(b, b.both(more, open), state);
        },
        [&](OpBuilder &, Location, ValueRange state) {
          Value higher = b.add(state[0], state[1]);
          Value count = countFrom(keys, higher);
          Value enough = b.le(want, count);
          Value next = arith::ShRUIOp::create(b, state[1], b.i32(1));
          scf::YieldOp::create(
              b, Values{b.select(enough, higher, state[0]), next,
                        b.select(enough, count, state[2])});
        });
    return search.getResult(0);
  }

  /// Writes the chosen ids in ascending order. Of the experts at the limit the
  /// first ones are taken. Two counts go through one sum, each in its half.
  void collect(ValueRange keys, Value limit) {
    constexpr int64_t kHalf = 16;
    auto above = [&](Value key) { return b.lt(limit, key); };
    auto at = [&](Value key) { return b.eq(limit, key); };
    auto counted = [&](Value key) {
      return b.add(one(above(key), 1), one(at(key), 1 << kHalf));
    };
    Value own = b.i32(0);
    for (Value key : keys)
      own = b.add(own, counted(key));
    auto low = [&](Value v) -> Value {
      return arith::AndIOp::create(b, v, b.i32((1 << kHalf) - 1));
    };
    auto high = [&](Value v) -> Value {
      return arith::ShRUIOp::create(b, v, b.i32(kHalf));
    };
    Value room = b.sub(b.i32(k), low(b.sumWarp(own)));
    Value before = b.sumBefore(own);
    for (auto [i, key] : llvm::enumerate(keys)) {
      Value tied = b.both(at(key), b.lt(high(before), room));
      Value place = b.add(low(before), b.min(high(before), room));
      Value chosen = arith::OrIOp::create(b, above(key), tied);
      b.when(chosen, [&, i = i] {
        Value id = b.toI32(expert(i)), j = b.toIndex(place);
        b.store(id, ids, {j});
        b.store(id, op.getIdsInit(), {row, j});
      });
      before = b.add(before, counted(key));
    }
  }

  /// The weights of the chosen: their s, and the sum in ascending order.
  void weigh() {
    spread(k, [&](Value j) {
      Value e = b.toIndex(b.load(ids, {j}));
      b.store(sigmoid(b.load(op.getLogits(), {row, e})), shares, {j});
    });
    b.syncWarp();
    Value total = b.f32(1);
    if (op.getNormalise()) {
      Value sum = b.loop(b.index(0), b.index(k), b.index(1),
                         ValueRange{b.f32(0)},
                         [&](Value j, ValueRange carried) {
                           return Values{
                               b.add(carried[0], b.load(shares, {j}))};
                         })[0];
      total = b.add(sum, b.f32(1e-20));
    }
    Value scale = b.f32(op.getScale().convertToDouble());
    spread(k, [&](Value j) {
      Value share = b.load(shares, {j});
      if (op.getNormalise())
        share = b.div(share, total);
      b.store(b.mul(share, scale), op.getWeightsInit(), {row, j});
    });
  }

  void emit() {
    Values competing = scores();
    if (groups > 1)
      competing = limitGroups(competing);
    Values keys;
    for (Value c : competing)
      keys.push_back(key(c));
    collect(keys, limitOf(keys));
    b.syncWarp();
    weigh();
  }
};

} // namespace

RouteWarps::RouteWarps(GPUEmitter &b, RouteOp op) : b(b), op(op) {
  int64_t experts = cast<MemRefType>(op.getLogits().getType()).getDimSize(1);
  int64_t k = cast<MemRefType>(op.getIdsInit().getType()).getDimSize(1);
  int64_t groups = op.getGroups();
  ids = frame.reserve({k}, b.getI32Type());
  shares = frame.reserve({k}, b.getF32Type());
  score = frame.reserve({groups > 1 ? experts : 0}, b.getF32Type());
  groupScore = frame.reserve({groups}, b.getF32Type());
  takesPart = frame.reserve({groups}, b.getI32Type());
}

void RouteWarps::emit(Value row, Value frameNumber) {
  int64_t experts = cast<MemRefType>(op.getLogits().getType()).getDimSize(1);
  int64_t k = cast<MemRefType>(op.getIdsInit().getType()).getDimSize(1);
  Value first = b.mul(frameNumber, b.index(frameBytes()));
  auto buffer = [&](size_t number) { return b.shared(frame, number, first); };
  RouteWarp{b,
            op,
            row,
            buffer(score),
            buffer(groupScore),
            buffer(takesPart),
            buffer(ids),
            buffer(shares),
            experts,
            k,
            int64_t(op.getGroups()),
            int64_t(llvm::divideCeil(experts, kWarp))}
      .emit();
}

void GPUEmitter::emit(RouteOp op) {
  RouteWarps route(*this, op);
  SharedMemory memory;
  route.reserve(memory, 1);
  launch(dim(op.getLogits(), 0), index(1), memory,
         [&](Value row, Value) { route.emit(row, index(0)); });
}

/// One block does both for few rows, a warp for each of them to begin with.
void GPUEmitter::emitRouting(RouteOp routeOp, GroupRowsOp groupOp) {
  constexpr int64_t kRows = 8;
  Value rows = dim(routeOp.getLogits(), 0);
  auto few = [&] {
    begin(groupOp);
    RouteWarps route(*this, routeOp);
    GroupRowsBlock group(*this, groupOp);
    int64_t warps = threads / kWarp;
    SharedMemory memory;
    route.reserve(memory, std::min(warps, kRows));
    group.reserve(memory);
    launch(index(1), index(1), memory, [&](Value, Value) {
      loop(warp(), rows, index(warps), [&](Value row) {
        route.emit(row, warp());
        syncWarp();
      });
      barrier();
      group.emit(memory);
    });
  };
  auto many = [&] {
    begin(routeOp);
    part = "route";
    emit(routeOp);
    begin(groupOp);
    part = "group";
    emit(groupOp);
  };
  when(le(rows, index(kRows)), few, many);
}
