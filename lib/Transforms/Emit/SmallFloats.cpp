//===- SmallFloats.cpp - floats of a byte or less, in compiled code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using namespace braid;

Value braid::bitsLike(LoopBuilder &b, uint32_t bits, Value shape) {
  Value scalar = b.i32(int32_t(bits));
  bool isVector = isa<VectorType>(shape.getType());
  return isVector ? b.splat(scalar, lanesOf(shape)) : scalar;
}

static Value retyped(LoopBuilder &b, Value value, Type element) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return arith::BitcastOp::create(
      b, vector ? Type(vector.cloneWith({}, element)) : element, value);
}

/// The fields of the number, sign on top, are moved down such that exponent and
/// mantissa end where those of an f32 do. Then only the bias is wrong, by a
/// factor of 2^(127 - bias): the moved bits times that are the value, and small
/// floats that are subnormal pass as subnormal f32. To avoid these, the bias is
/// added instead. Without a subnormal's leading zero that gives, for mantissa m
/// and the smallest normal number s, s/2 (1 + m) instead of s m: which is
/// v instead of 2 v - s, and this is the smaller one for subnormals only.
Value braid::decode(LoopBuilder &b, SmallFloat format, Value words,
                    int64_t shift, bool subnormals) {
  auto bits = [&](uint32_t value) { return bitsLike(b, value, words); };
  auto number = [&](double value) {
    return retyped(b, bits(llvm::bit_cast<uint32_t>(float(value))),
                   b.getF32Type());
  };
  constexpr uint32_t kSign = 0x80000000;
  uint32_t down = 8 - format.exponentBits;
  uint32_t fields = ((1u << (format.bits() - 1)) - 1)
                    << (23 - format.mantissaBits);
  Value top = words;
  if (int64_t up = 32 - format.bits() - shift)
    top = arith::ShLIOp::create(b, words, bits(up));
  if (subnormals) {
    Value moved = b.both(arith::ShRSIOp::create(b, top, bits(down)),
                         bits(kSign | fields));
    return b.mul(retyped(b, moved, b.getF32Type()),
                 number(std::ldexp(1.0, 127 - format.bias())));
  }
  Value moved =
      b.both(arith::ShRUIOp::create(b, top, bits(down)), bits(fields));
  Value biased = retyped(
      b, b.add(moved, bits(uint32_t(127 - format.bias()) << 23)),
      b.getF32Type());
  double smallest = std::ldexp(1.0, 1 - format.bias());
  Value lower = b.fma(biased, number(2), number(-smallest));
  Value magnitude = b.select(b.lt(lower, biased), lower, biased);
  Value sign = b.both(top, bits(kSign));
  return retyped(b,
                 arith::OrIOp::create(
                     b, retyped(b, magnitude, b.getI32Type()), sign),
                 b.getF32Type());
}

Value braid::roundToUpperHalf(LoopBuilder &b, Value value) {
  Value word = retyped(b, value, b.getI32Type());
  auto bits = [&](uint32_t value) { return bitsLike(b, value, word); };
  Value odd =
      b.both(arith::ShRUIOp::create(b, word, bits(16)), bits(1));
  return b.add(b.add(word, bits(0x7fff)), odd);
}
