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

/// The words with the number's sign on top.
static Value onTop(LoopBuilder &b, SmallFloat format, Value words,
                   int64_t shift) {
  int64_t up = 32 - format.bits() - shift;
  if (up == 0)
    return words;
  return arith::ShLIOp::create(b, words, bitsLike(b, up, words));
}

/// How far exponent and mantissa, below the sign, are moved down to end where
/// those of an f32 do, and the bits that they then take.
static uint32_t distanceOf(SmallFloat format) {
  return 8 - format.exponentBits;
}
static uint32_t fieldsOf(SmallFloat format) {
  return ((1u << (format.bits() - 1)) - 1) << (23 - format.mantissaBits);
}

static Value asFloat(LoopBuilder &b, Value words) {
  return retyped(b, words, b.getF32Type());
}

/// Once the fields are where those of an f32 are, only the bias is wrong, 127
/// for the format's: the moved bits times 2^(127 - bias) are the value,
/// subnormals included.
Value braid::decode(LoopBuilder &b, SmallFloat format, Value words,
                    int64_t shift) {
  auto bits = [&](uint32_t value) { return bitsLike(b, value, words); };
  Value top = onTop(b, format, words, shift);
  Value moved = arith::ShRSIOp::create(b, top, bits(distanceOf(format)));
  moved = b.both(moved, bits(0x80000000 | fieldsOf(format)));
  uint32_t factor = uint32_t(2 * 127 - format.bias()) << 23;
  return b.mul(asFloat(b, moved), asFloat(b, bits(factor)));
}

/// The bias is added. Of a subnormal with mantissa m (and s the smallest normal
/// number) that makes v = s/2 (1 + m) instead of s m, which is 2v - s; and of the
/// two v is the smaller one for normal numbers only.
Value braid::decodeNormal(LoopBuilder &b, SmallFloat format, Value words,
                          int64_t shift) {
  auto bits = [&](uint32_t value) { return bitsLike(b, value, words); };
  auto number = [&](float value) {
    return asFloat(b, bits(llvm::bit_cast<uint32_t>(value)));
  };
  Value top = onTop(b, format, words, shift);
  Value moved = arith::ShRUIOp::create(b, top, bits(distanceOf(format)));
  moved = b.both(moved, bits(fieldsOf(format)));
  Value v = asFloat(b, b.add(moved, bits(uint32_t(127 - format.bias()) << 23)));
  float smallest = std::ldexp(1.0f, int(1 - format.bias()));
  Value lower = b.fma(v, number(2), number(-smallest));
  Value magnitude = b.select(b.lt(lower, v), lower, v);
  Value sign = b.both(top, bits(0x80000000));
  return asFloat(b, arith::OrIOp::create(
                        b, retyped(b, magnitude, b.getI32Type()), sign));
}
