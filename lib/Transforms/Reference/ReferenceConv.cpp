//===- ReferenceConv.cpp - causal_conv, by definition
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"

using namespace mlir;
using namespace braid;

/// y[t, c] = silu(b[c] + sum_j w[j, c] x[t - (K-1) + j, c])
///
/// With row 0 the sequence's first of this step, row r < 0 is row K-1 + r of
/// the pool, or zero if the sequence has no such row.
void Reference::lower(CausalConvOp op) {
  int64_t taps = sizeOf(op.getWeight(), 0), history = taps - 1;
  auto eachChannel = [&](function_ref<void(Sequence, Value)> body) {
    eachSequence(op.getBatch(), [&](Sequence s) {
      each(sizeOf(op.getWeight(), 1), [&](Value c) { body(s, c); });
    });
  };
  eachChannel([&](Sequence s, Value c) {
    auto pooled = [&](Value r) -> Values {
      return {op.getOrdinal(), s.slot, add(r, index(history)), c};
    };
    auto input = [&](Value r) {
      auto fromStep = [&] {
        return Values{get(op.getX(), {add(s.begin, r), c})};
      };
      auto fromPool = [&] { return Values{get(op.getPool(), pooled(r))}; };
      auto fromPast = [&] {
        return choose(lt(add(s.position, r), index(0)), getF32Type(),
                      [&] { return Values{f32(0)}; }, fromPool);
      };
      return choose(lt(r, index(0)), getF32Type(), fromPast, fromStep)[0];
    };
    each(s.rows, [&](Value r) {
      Value total = op.getBias() ? get(op.getBias(), {c}) : f32(0);
      for (int64_t j = 0; j < taps; ++j)
        total = add(total, mul(get(op.getWeight(), {index(j), c}),
                               input(add(r, index(j - history)))));
      set(mul(total, sigmoid(total)), op.getInit(), {add(s.begin, r), c});
    });
    // The last K-1 rows, oldest first: each is read before its place is taken.
    for (int64_t j = 0; j < history; ++j) {
      Value kept = input(add(s.rows, index(j - history)));
      set(kept, op.getPool(), pooled(index(j - history)));
    }
  });
}
