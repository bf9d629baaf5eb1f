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

/// Two inputs, the second 16 bits after the first. Their f32 have nothing in the
/// lower half: it is the upper ones that form a pair.
Value CodedPanel::pairOf(Value words, int64_t shift) {
  auto bits = [&](int64_t at) -> Value {
    return arith::BitcastOp::create(b, words.getType(),
                                    decode(b, kE4M3, words, at));
  };
  Value low = arith::ShRUIOp::create(b, bits(shift), bitsLike(b, 16, words));
  Value pair = arith::OrIOp::create(b, low, bits(shift + 16));
  return vector::BitCastOp::create(
      b, VectorType::get({2 * b.lanes}, b.getBF16Type()), pair);
}

SmallVector<Values> CodedPanel::block(Value number) {
  constexpr int64_t kRows = 4;
  SmallVector<Values> pairs(2 * kRows);
  for (int64_t c = 0; c < kRows; ++c)
    for (int64_t output = 0; output < kPanel; output += b.lanes) {
      Value row = b.add(b.mul(number, b.index(kRows)),
                        b.index(layout.scaleRows + c));
      Value codes = words(row, output);
      pairs[c].push_back(pairOf(codes, 0));
      pairs[kRows + c].push_back(pairOf(codes, kE4M3.bits()));
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
