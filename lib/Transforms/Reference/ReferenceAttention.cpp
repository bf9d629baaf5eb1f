//===- ReferenceAttention.cpp - attention, by definition: softmax over all keys
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"

using namespace mlir;
using namespace braid;

/// y_t = sum_k exp(s_k - max s) V[k] / sum_k exp(s_k - max s),
/// s_k = scale q_t . K[k], for all keys k up to t itself.
void Reference::lower(AttentionOp op) {
  int64_t kvHeads = sizeOf(op.getKPool(), 2), width = sizeOf(op.getKPool(), 4);
  int64_t heads = sizeOf(op.getQ(), 1) / width;
  Value total = local(width);

  auto column = [&](Value head, Value c) {
    return add(mul(head, index(width)), c);
  };
  auto append = [&](Sequence s, Value r) {
    each(kvHeads, [&](Value j) {
      each(width, [&](Value c) {
        Values from = {add(s.begin, r), column(j, c)};
        Values to = {op.getOrdinal(), s.slot, j, add(s.position, r), c};
        set(get(op.getK(), from), op.getKPool(), to);
        set(get(op.getV(), from), op.getVPool(), to);
      });
    });
  };
  auto attend = [&](Sequence s, Value r, Value h) {
    Value t = add(s.begin, r), keys = add(add(s.position, r), index(1));
    Value j = div(h, index(heads / kvHeads));
    auto stored = [&](Value pool, Value key, Value c) {
      return get(pool, {op.getOrdinal(), s.slot, j, key, c});
    };
    auto score = [&](Value key) {
      Value dot = sum(width, [&](Value c) {
        return mul(get(op.getQ(), {t, column(h, c)}),
                   stored(op.getKPool(), key, c));
      });
      return mul(dot, f32(op.getScale().convertToDouble()));
    };
    Value largest =
        loop(index(1), keys, index(1), ValueRange{score(index(0))},
             [&](Value key, ValueRange found) {
               return Values{max(found[0], score(key))};
             })[0];
    each(width, [&](Value c) { store(f32(0), total, {c}); });
    Value weights = sum(keys, [&](Value key) {
      Value weight = exp(sub(score(key), largest));
      each(width, [&](Value c) {
        store(add(load(total, {c}), mul(weight, stored(op.getVPool(), key, c))),
              total, {c});
      });
      return weight;
    });
    each(width, [&](Value c) {
      set(div(load(total, {c}), weights), op.getInit(), {t, column(h, c)});
    });
  };
  eachSequence(op.getBatch(), [&](Sequence s) {
    each(s.rows, [&](Value r) { append(s, r); });
    each(s.rows, [&](Value r) {
      each(heads, [&](Value h) { attend(s, r, h); });
    });
  });
}
