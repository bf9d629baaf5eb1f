//===- CodedPanel.cpp - a panel of coded weights as pairs of bf16
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CodedPanel.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

using Values = LoopBuilder::Values;

Value CodedPanel::words(Value row, int64_t output) {
  Values at(place);
  at.append({row, b.index(output * layout.kp)});
  Value codes = b.loadRaw(weight, at, b.lanes * layout.kp);
  return vector::BitCastOp::create(
      b, VectorType::get({b.lanes}, b.getI32Type()), codes);
}

Value CodedPanel::scales(int64_t output) {
  return vector::BitCastOp::create(
      b, VectorType::get({b.lanes}, b.getF32Type()),
      words(b.index(0), output));
}

/// The number at a bit of each word, which bf16 holds.
Value CodedPanel::numberAt(Value words, int64_t shift, Value scale) {
  if (!layout.hasBlockScales())
    return decode(b, kE4M3, words, shift);
  return b.mul(decodeNormal(b, kE2M1, words, shift), scale);
}

/// Two inputs, the second 16 bits after the first. Their f32 have nothing in the
/// lower half: it is the upper ones that form a pair.
Value CodedPanel::pairOf(Value words, int64_t shift, Value scale) {
  auto bits = [&](int64_t at) -> Value {
    return arith::BitcastOp::create(b, words.getType(),
                                    numberAt(words, at, scale));
  };
  Value low = arith::ShRUIOp::create(b, bits(shift), bitsLike(b, 16, words));
  Value pair = arith::OrIOp::create(b, low, bits(shift + 16));
  return vector::BitCastOp::create(
      b, VectorType::get({2 * b.lanes}, b.getBF16Type()), pair);
}

/// Of a block's own scales, if it has any.
Value CodedPanel::blockScale(Value number, int64_t output) {
  if (!layout.hasBlockScales())
    return Value();
  Value row = b.add(b.div(number, b.index(4)), b.index(1));
  Value loaded = words(row, output);
  Value shift = b.mul(b.toI32(b.rem(number, b.index(4))), b.i32(8));
  Value lowest =
      arith::ShRUIOp::create(b, loaded, b.splat(shift, b.lanes));
  return decode(b, kE4M3, lowest, 0);
}

SmallVector<Values> CodedPanel::block(Value number) {
  SmallVector<Values> pairs(2 * layout.kQuad);
  Value first = b.add(b.mul(number, b.index(layout.blockRows())),
                      b.index(layout.scaleRows));
  for (int64_t output = 0; output < kPanel; output += b.lanes) {
    Value scale = blockScale(number, output), codes;
    for (int64_t lane = 0; lane < layout.kQuad; ++lane) {
      if (lane % layout.lanesOfWord() == 0)
        codes = words(b.add(first, b.index(lane / layout.lanesOfWord())),
                      output);
      for (int64_t reg = 0; reg < 2; ++reg)
        pairs[reg * layout.kQuad + lane].push_back(
            pairOf(codes, layout.shiftOf(lane, reg), scale));
    }
  }
  return pairs;
}

void CodedPanel::unpack(Value pairs) {
  int64_t blocks = layout.inputs / layout.kBlock;
  b.loop(b.index(0), b.index(blocks), [&](Value number) {
    for (auto [i, vectors] : llvm::enumerate(block(number))) {
      Value pair =
          b.add(b.mul(number, b.index(layout.kBlock / 2)), b.index(int64_t(i)));
      for (auto [v, vector] : llvm::enumerate(vectors))
        vector::StoreOp::create(
            b, vector, pairs,
            ValueRange{pair, b.index(int64_t(v) * 2 * b.lanes)});
    }
  });
}
