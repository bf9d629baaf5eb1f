//===- ReferenceExperts.cpp - the mixture of experts, by definition
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace braid;

Value Reference::rank(Value values, Value i, Value first, int64_t n) {
  Value own = load(values, {i});
  return loop(index(0), index(n), index(1), ValueRange{index(0)},
              [&](Value at, ValueRange count) {
                Value j = add(first, at), other = load(values, {j});
                Value before =
                    select(lt(j, i), le(own, other), lt(own, other));
                return Values{
                    add(count[0], select(before, index(1), index(0)))};
              })[0];
}

/// s = sigmoid(l), c = s + bias; the k experts with the largest c.
void Reference::lower(RouteOp op) {
  int64_t experts = sizeOf(op.getLogits(), 1), k = sizeOf(op.getIdsInit(), 1);
  int64_t groups = op.getGroups(), size = experts / groups;
  Value s = local(experts), c = local(experts), best = local(groups);
  Value weights = op.getWeightsInit();

  // Without groups that take part, an expert's c is out of the competition.
  auto limitGroups = [&] {
    each(groups, [&](Value g) {
      Value first = mul(g, index(size));
      store(sum(size, [&](Value i) {
              Value e = add(first, i);
              return select(lt(rank(c, e, first, size), index(2)),
                            load(c, {e}), f32(0));
            }), best, {g});
    });
    each(experts, [&](Value e) {
      Value place = rank(best, div(e, index(size)), index(0), groups);
      Value takesPart = lt(place, index(int64_t(op.getGroupK())));
      store(select(takesPart, load(c, {e}), f32(-INFINITY)), c, {e});
    });
  };
  each(dim(op.getLogits(), 0), [&](Value t) {
    each(experts, [&](Value e) {
      store(sigmoid(get(op.getLogits(), {t, e})), s, {e});
      // NaN compares with nothing: as a number, exactly k are chosen.
      Value lowest = f32(std::numeric_limits<float>::lowest());
      store(max(add(load(s, {e}), get(op.getBias(), {e})), lowest), c, {e});
    });
    if (groups > 1)
      limitGroups();
    loop(index(0), index(experts), index(1), ValueRange{index(0)},
         [&](Value e, ValueRange place) {
           Value chosen = lt(rank(c, e, index(0), experts), index(k));
           when(chosen, [&] {
             store(toI32(e), op.getIdsInit(), {t, place[0]});
             store(load(s, {e}), weights, {t, place[0]});
           });
           return Values{add(place[0], select(chosen, index(1), index(0)))};
         });
    Value total = f32(1);
    if (op.getNormalise())
      total = add(f32(1e-20),
                  sum(k, [&](Value j) { return load(weights, {t, j}); }));
    each(k, [&](Value j) {
      Value share = div(load(weights, {t, j}), total);
      store(mul(share, f32(op.getScale().convertToDouble())), weights, {t, j});
    });
  });
}

/// y_t = sum_j weights[t, j] down_e(relu(up_e x_t)^2), e = ids[t, j]
void Reference::lower(ExpertsOp op) {
  int64_t inner = sizeOf(op.getUp(), 1), width = sizeOf(op.getUp(), 2);
  Value hidden = local(inner), total = local(width), y = op.getInit();
  each(dim(op.getX(), 0), [&](Value t) {
    each(width, [&](Value c) { store(f32(0), total, {c}); });
    each(sizeOf(op.getIds(), 1), [&](Value j) {
      Value e = toIndex(load(op.getIds(), {t, j}));
      each(inner, [&](Value i) {
        Value up = round(sum(width, [&](Value c) {
                           return mul(get(op.getX(), {t, c}),
                                      get(op.getUp(), {e, i, c}));
                         }), y);
        Value kept = max(up, f32(0));
        store(round(mul(kept, kept), y), hidden, {i});
      });
      each(width, [&](Value c) {
        Value down = round(sum(inner, [&](Value i) {
                             return mul(load(hidden, {i}),
                                        get(op.getDown(), {e, c, i}));
                           }), y);
        Value part = mul(load(op.getWeights(), {t, j}), down);
        store(add(load(total, {c}), part), total, {c});
      });
    });
    each(width, [&](Value c) { set(load(total, {c}), y, {t, c}); });
  });
}

/// Expert by expert, all pairs that chose it.
void Reference::lower(GroupRowsOp op) {
  int64_t experts = sizeOf(op.getBegin(), 0) - 1;
  Value choices = index(sizeOf(op.getIds(), 1)), one = index(1);
  Value pairs = mul(dim(op.getIds(), 0), choices);
  auto at = [&](Value pair) -> Values {
    return {div(pair, choices), rem(pair, choices)};
  };
  auto listPairs = [&](Value expert, Value first) {
    return loop(index(0), pairs, one, first, [&](Value pair, ValueRange next) {
      Value own = eq(load(op.getIds(), at(pair)), toI32(expert));
      when(own, [&] { store(toI32(pair), op.getOrder(), at(next[0])); });
      return Values{add(next[0], select(own, one, index(0)))};
    })[0];
  };
  Values ends = loop(
      index(0), index(experts), one, ValueRange{index(0), index(0)},
      [&](Value expert, ValueRange carried) {
        Value first = carried[0], count = carried[1];
        store(toI32(first), op.getBegin(), {expert});
        Value last = listPairs(expert, first);
        Value used = lt(first, last), more = add(count, one);
        when(used, [&] { store(toI32(expert), op.getActive(), {more}); });
        return Values{last, select(used, more, count)};
      });
  store(toI32(ends[0]), op.getBegin(), {index(experts)});
  store(toI32(ends[1]), op.getActive(), {index(0)});
}

/// y[t, c] = sum_j weights[t, j] parts[t, j, c]
void Reference::lower(CombineExpertsOp op) {
  each(dim(op.getParts(), 0), [&](Value t) {
    each(sizeOf(op.getParts(), 2), [&](Value c) {
      Value y = sum(sizeOf(op.getParts(), 1), [&](Value j) {
        return mul(load(op.getWeights(), {t, j}),
                   get(op.getParts(), {t, j, c}));
      });
      set(y, op.getInit(), {t, c});
    });
  });
}
