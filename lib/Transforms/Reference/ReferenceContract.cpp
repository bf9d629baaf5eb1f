//===- ReferenceContract.cpp - packed_contract, by definition
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "braid/Dialect/PackedLayout.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace braid;

/// Row 0 of a panel has the bytes of the scales. The codes of 16 inputs lie in
/// four rows: row c has those of 2c, 2c + 1, 2c + 8 and 2c + 9.
Value Reference::decoded(Value weight, Indices panel, Value output, Value k) {
  auto byte = [&](Value row, Value at) -> Value {
    Values indices(panel);
    indices.append({row, output, at});
    Value code = arith::BitcastOp::create(*this, getI8Type(),
                                          load(weight, indices));
    return arith::ExtUIOp::create(*this, getI32Type(), code);
  };
  Value bits = i32(0);
  for (int64_t i = 0; i < 4; ++i) {
    Value part = arith::ShLIOp::create(*this, byte(index(0), index(i)), i32(8 * i));
    bits = arith::OrIOp::create(*this, bits, part);
  }
  Value scale = arith::BitcastOp::create(*this, getF32Type(), bits);
  Value pair = div(rem(k, index(16)), index(2));
  Value row = add(mul(div(k, index(16)), index(4)), rem(pair, index(4)));
  Value place = add(mul(div(pair, index(4)), index(2)), rem(k, index(2)));
  Value code = byte(add(row, index(1)), place);
  return widen(narrow(mul(decode(*this, kE4M3, code, 0), scale), getBF16Type()));
}

/// W[n, k] lies at packed[n / 32][k / kp][n % 32][k % kp], as a number or coded.
Value Reference::product(PackedContractOp op, Indices row, Indices prefix,
                         Value column) {
  Value weight = op.getWeight();
  Value panel = index(sizeOf(weight, -2)), pair = index(sizeOf(weight, -1));
  bool coded =
      PackedLayout::of(weight.getType(), sizeOf(op.getX(), -1))->isCoded();
  return sum(sizeOf(op.getX(), -1), [&](Value k) {
    Values x(row), w(prefix);
    x.push_back(k);
    w.push_back(div(column, panel));
    Value output = rem(column, panel);
    if (coded)
      return mul(get(op.getX(), x), decoded(weight, w, output, k));
    w.append({div(k, pair), output, rem(k, pair)});
    return mul(get(op.getX(), x), get(weight, w));
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
