//===- ReferenceScan.cpp - ssd_scan, by definition: the recurrence
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace braid;

/// d   = clamp(softplus(dt + dt_bias))
/// S_t = exp(d A) S_{t-1} + B_t outer (d x_t)
/// y_t = C_t S_t + D x_t
void Reference::lower(SsdScanOp op) {
  int64_t heads = sizeOf(op.getPool(), 2), states = sizeOf(op.getPool(), 3),
          width = sizeOf(op.getPool(), 4);
  int64_t groups = sizeOf(op.getB(), 1) / states;

  // log(1 + exp(v)), in the form whose exp cannot overflow.
  auto softplus = [&](Value v) {
    Value tail = exp(neg(max(v, neg(v))));
    return add(max(v, f32(0)), math::Log1pOp::create(*this, tail));
  };
  auto timeStep = [&](Value t, Value h) {
    Value v = add(get(op.getDt(), {t, h}), get(op.getDtBias(), {h}));
    Value d = max(softplus(v), f32(op.getDtMin().convertToDouble()));
    return min(d, f32(op.getDtMax().convertToDouble()));
  };

  auto eachHead = [&](function_ref<void(Sequence, Value)> body) {
    eachSequence(op.getBatch(), [&](Sequence s) {
      each(heads, [&](Value h) { body(s, h); });
    });
  };
  eachHead([&](Sequence s, Value h) {
    auto state = [&](Value n, Value p) -> Values {
      return {op.getOrdinal(), s.slot, h, n, p};
    };
    when(eq(s.position, index(0)), [&] {
      each(states, [&](Value n) {
        each(width, [&](Value p) { set(f32(0), op.getPool(), state(n, p)); });
      });
    });
    each(s.rows, [&](Value r) {
      Value t = add(s.begin, r), d = timeStep(t, h);
      Value decay = exp(mul(d, get(op.getA(), {h})));
      Value base = mul(div(h, index(heads / groups)), index(states));
      each(width, [&](Value p) {
        Value column = add(mul(h, index(width)), p);
        Value x = get(op.getX(), {t, column});
        Value y = sum(states, [&](Value n) {
          Value before = get(op.getPool(), state(n, p));
          Value after = add(mul(decay, before),
                            mul(get(op.getB(), {t, add(base, n)}), mul(d, x)));
          set(after, op.getPool(), state(n, p));
          return mul(get(op.getC(), {t, add(base, n)}), after);
        });
        set(add(y, mul(get(op.getD(), {h}), x)), op.getInit(), {t, column});
      });
    });
  });
}
