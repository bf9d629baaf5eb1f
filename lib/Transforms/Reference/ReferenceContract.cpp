//===- ReferenceContract.cpp - packed_contract, by definition
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace braid;

/// W[n, k] lies at packed[n / 32][k / kp][n % 32][k % kp].
Value Reference::product(PackedContractOp op, Indices row, Indices prefix,
                         Value column) {
  Value panel = index(sizeOf(op.getWeight(), -2));
  Value pair = index(sizeOf(op.getWeight(), -1));
  return sum(sizeOf(op.getX(), -1), [&](Value k) {
    Values x(row), w(prefix);
    x.push_back(k);
    w.append({div(column, panel), div(k, pair), rem(column, panel),
              rem(k, pair)});
    return mul(get(op.getX(), x), get(op.getWeight(), w));
  });
}

/// The region's value for one element, which lies at `y` and belongs to `row`.
Value Reference::epilogue(PackedContractOp op, Value sum, Value row,
                          Value column, Indices y) {
  Block &body = op.getEpilogue().front();
  IRMapping map;
  map.map(body.getArgument(0), sum);
  for (auto [argument, extra] :
       llvm::zip(body.getArguments().drop_front(), op.getExtras()))
    map.map(argument, cast<MemRefType>(extra.getType()).getRank() == 1
                          ? load(extra, {column})
                          : load(extra, {row, column}));
  map.map(body.getArguments().back(), load(op.getInit(), y));
  for (Operation &inner : body.without_terminator())
    clone(inner, map);
  return map.lookupOrDefault(body.getTerminator()->getOperand(0));
}

/// y[t, n] = f(x[t, :] . W[n, :])
void Reference::lower(PackedContractOp op) {
  if (!op.getGroups().empty())
    return lowerGrouped(op);
  each(dim(op.getX(), 0), [&](Value t) {
    each(sizeOf(op.getInit(), -1), [&](Value n) {
      Value sum = product(op, {t}, {}, n);
      store(epilogue(op, sum, t, n, {t, n}), op.getInit(), {t, n});
    });
  });
}

/// The same for each pair (row, choice) with its expert's W. Pairs are visited
/// in sorted order; place and pair are both flattened [T, k].
void Reference::lowerGrouped(PackedContractOp op) {
  Value order = op.getGroups()[0], begin = op.getGroups()[1];
  Value choices = index(sizeOf(order, 1));
  auto unflatten = [&](Value flat) -> Values {
    return {div(flat, choices), rem(flat, choices)};
  };
  each(sizeOf(op.getWeight(), 0), [&](Value expert) {
    Value first = toIndex(load(begin, {expert}));
    Value end = toIndex(load(begin, {add(expert, index(1))}));
    loop(first, end, [&](Value place) {
      Value pair = toIndex(load(order, unflatten(place)));
      Value row = div(pair, choices);
      Values x = op.getGather() ? Values{row} : unflatten(place);
      Values y = unflatten(op.getGather() ? place : pair);
      each(sizeOf(op.getInit(), -1), [&](Value n) {
        Values at = {y[0], y[1], n};
        Value sum = product(op, x, {expert}, n);
        store(epilogue(op, sum, row, n, at), op.getInit(), at);
      });
    });
  });
}
