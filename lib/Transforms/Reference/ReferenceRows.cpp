//===- ReferenceRows.cpp - gather_rows, rms_norm, sample, tap, by definition
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "braid/Transforms/Sampling.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace braid;

/// y[t, c] = table[ids[t], c]
void Reference::lower(GatherRowsOp op) {
  each(dim(op.getInit(), 0), [&](Value t) {
    Value id = toIndex(load(op.getIds(), {t}));
    each(sizeOf(op.getInit(), 1), [&](Value c) {
      set(get(op.getTable(), {id, c}), op.getInit(), {t, c});
    });
  });
}

/// v = x silu(z); y = w r(v / sqrt(mean of the group's v^2 + eps))
void Reference::lower(RmsNormOp op) {
  int64_t groups = op.getGroups(), size = sizeOf(op.getInit(), 1) / groups;
  each(dim(op.getX(), 0), [&](Value t) {
    auto gated = [&](Value c) -> Value {
      Value v = get(op.getX(), {t, c});
      if (!op.getGate())
        return v;
      Value z = get(op.getGate(), {t, c});
      return mul(v, mul(z, sigmoid(z)));
    };
    each(groups, [&](Value g) {
      auto column = [&](Value i) { return add(mul(g, index(size)), i); };
      Value squares = sum(size, [&](Value i) {
        Value v = gated(column(i));
        return mul(v, v);
      });
      Value eps = f32(op.getEps().convertToDouble());
      Value root = math::SqrtOp::create(
          *this, add(div(squares, f32(double(size))), eps));
      each(size, [&](Value i) {
        Value c = column(i);
        Value n = round(div(gated(c), root), op.getInit());
        set(mul(get(op.getWeight(), {c}), n), op.getInit(), {t, c});
      });
    });
  });
}

/// The first v with the largest logit / temperature + g.
void Reference::lower(SampleOp op) {
  each(dim(op.getChosen(), 0), [&](Value t) {
    Value temperature = load(op.getTemperatures(), {t});
    Value key = load(op.getKeys(), {t});
    when(le(f32(0), temperature), [&] {
      Values best = loop(
          index(0), index(sizeOf(op.getLogits(), 1)), index(1),
          {f32(-kInfinity), i32(0)}, [&](Value v, ValueRange carried) -> Values {
            Value id = toI32(v), logit = load(op.getLogits(), {t, v});
            Value score = choose(
                lt(f32(0), temperature), getF32Type(),
                [&]() -> Values {
                  return {add(div(logit, temperature), gumbel(*this, key, id))};
                },
                [&]() -> Values { return {logit}; })[0];
            score = select(lt(logit, f32(kInfinity)), score, f32(kInfinity));
            Value better = lt(carried[0], score);
            return {select(better, score, carried[0]),
                    select(better, id, carried[1])};
          });
      store(reported(*this, {best[0], best[1]}), op.getChosen(), {t});
    });
  });
}

/// hidden[layer, t, c] = x[t, c], if a dump is asked for.
void Reference::lower(TapOp op) {
  when(lt(index(0), dim(op.getHidden(), 0)), [&] {
    each(dim(op.getX(), 0), [&](Value t) {
      each(sizeOf(op.getX(), 1), [&](Value c) {
        set(get(op.getX(), {t, c}), op.getHidden(), {op.getLayer(), t, c});
      });
    });
  });
}
