//===- UnpackPanel.cpp - coded weights of a panel as pairs of bf16
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "UnpackPanel.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Works on vectors of words: outputs side by side.
class PanelUnpacker {
public:
  PanelUnpacker(Emitter &b, Value weight, ValueRange panel,
                const PackedLayout &layout, Value pairs)
      : b(b), weight(weight), panel(panel), layout(layout), pairs(pairs) {}

  void emit();

private:
  Value words(Value row, int64_t output);
  void block(Value number, int64_t output, Value scale);
  Value pairOf(Value words, int64_t shift, Value scale);

  Emitter &b;
  Value weight;
  ValueRange panel;
  const PackedLayout &layout;
  Value pairs;
};

} // namespace

/// Of the outputs from `output` on, as many as there are lanes.
Value PanelUnpacker::words(Value row, int64_t output) {
  Values at(panel);
  at.append({row, b.index(output * layout.kp)});
  Value codes = b.loadRaw(weight, at, b.lanes * layout.kp);
  return vector::BitCastOp::create(
      b, VectorType::get({b.lanes}, b.getI32Type()), codes);
}

/// Two inputs whose codes follow each other, decoded and rounded.
Value PanelUnpacker::pairOf(Value words, int64_t shift, Value scale) {
  auto half = [&](int64_t at) {
    return roundToUpperHalf(b, b.mul(decode(b, kE4M3, words, at), scale));
  };
  Value low = arith::ShRUIOp::create(b, half(shift), bitsLike(b, 16, words));
  Value high =
      b.both(half(shift + kE4M3.bits()), bitsLike(b, 0xffff0000, words));
  return arith::OrIOp::create(b, low, high);
}

void PanelUnpacker::block(Value number, int64_t output, Value scale) {
  constexpr int64_t kRows = 4, kHalves = 2;
  auto type = VectorType::get({2 * b.lanes}, b.getBF16Type());
  for (int64_t c = 0; c < kRows; ++c) {
    Value row = b.add(b.mul(number, b.index(kRows)), b.index(c));
    Value codes = words(b.add(row, b.index(layout.scaleRows)), output);
    for (int64_t half = 0; half < kHalves; ++half) {
      Value pair = pairOf(codes, half * 2 * kE4M3.bits(), scale);
      Value place = b.add(b.mul(number, b.index(kHalves * kRows)),
                          b.index(half * kRows + c));
      vector::StoreOp::create(b, vector::BitCastOp::create(b, type, pair),
                              pairs, ValueRange{place, b.index(2 * output)});
    }
  }
}

void PanelUnpacker::emit() {
  Values scales;
  auto type = VectorType::get({b.lanes}, b.getF32Type());
  for (int64_t output = 0; output < kPanel; output += b.lanes)
    scales.push_back(
        vector::BitCastOp::create(b, type, words(b.index(0), output)));
  b.loop(b.index(0), b.index(layout.inputs / PackedLayout::kBlock),
         [&](Value number) {
           for (auto [i, scale] : llvm::enumerate(scales))
             block(number, int64_t(i) * b.lanes, scale);
         });
}

void braid::unpackPanel(Emitter &b, Value weight, ValueRange panel,
                        const PackedLayout &layout, Value pairs) {
  PanelUnpacker(b, weight, panel, layout, pairs).emit();
}
