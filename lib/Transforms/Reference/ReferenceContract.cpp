//===- ReferenceContract.cpp - packed_contract, by definition
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace braid;

/// A byte of a coded weight, as i32.
Value Reference::byteOf(Value weight, Indices at) {
  Value code = load(weight, at);
  if (!code.getType().isInteger())
    code = arith::BitcastOp::create(*this, getI8Type(), code);
  return arith::ExtUIOp::create(*this, getI32Type(), code);
}

/// Row 0 of a panel has the scales, as bytes.
Value Reference::scaleOf(Value weight, Indices panel, Value output) {
  Value bits = i32(0);
  for (int64_t i = 0; i < 4; ++i) {
    Values at(panel);
    at.append({index(0), output, index(i)});
    Value part = arith::ShLIOp::create(*this, byteOf(weight, at), i32(8 * i));
    bits = arith::OrIOp::create(*this, bits, part);
  }
  return arith::BitcastOp::create(*this, getF32Type(), bits);
}

/// Bits [shift, shift + bits) of an output's word in a row; `shift` is a value.
Value Reference::codeOf(Value weight, Indices panel, Value row, Value output,
                        Value shift) {
  Values at(panel);
  at.append({row, output, div(shift, index(8))});
  return arith::ShRUIOp::create(*this, byteOf(weight, at),
                                toI32(rem(shift, index(8))));
}

/// The inverse of PackedLayout: which row and bits hold input k.
Value Reference::decoded(const PackedLayout &layout, Value weight,
                         Indices panel, Value output, Value k) {
  Value block = div(k, index(layout.kBlock));
  Value pair = div(rem(k, index(layout.kBlock)), index(2));
  Value lane = rem(pair, index(4)), reg = div(pair, index(4));
  Value sharing = index(layout.lanesOfWord());
  Value row = add(mul(block, index(layout.blockRows())), div(lane, sharing));
  Value place = add(mul(rem(lane, sharing), index(2)), reg);
  Value shift = add(mul(place, index(layout.codeBits())),
                    mul(rem(k, index(2)), index(16)));
  Value code = codeOf(weight, panel, add(row, index(layout.scaleRows)), output,
                      shift);
  if (!layout.hasBlockScales())
    return decode(*this, kE4M3, code, 0);
  Value scale = codeOf(weight, panel, add(div(block, index(4)), index(1)),
                       output, mul(rem(block, index(4)), index(8)));
  return mul(decode(*this, kE2M1, code, 0), decode(*this, kE4M3, scale, 0));
}

/// W[n, k] lies at packed[n / 32][k / kp][n % 32][k % kp], as a number or coded.
Value Reference::product(PackedContractOp op, Indices row, Indices prefix,
                         Value column) {
  Value weight = op.getWeight();
  Value panel = index(sizeOf(weight, -2)), pair = index(sizeOf(weight, -1));
  auto layout = *PackedLayout::of(weight.getType(), sizeOf(op.getX(), -1));
  bool coded = layout.isCoded();
  Values inPanel(prefix);
  inPanel.push_back(div(column, panel));
  Value output = rem(column, panel);
  Value total = sum(sizeOf(op.getX(), -1), [&](Value k) {
    Values x(row), w(inPanel);
    x.push_back(k);
    if (coded)
      return mul(get(op.getX(), x), decoded(layout, weight, w, output, k));
    w.append({div(k, pair), output, rem(k, pair)});
    return mul(get(op.getX(), x), get(weight, w));
  });
  return coded ? mul(total, scaleOf(weight, inPanel, output)) : total;
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
