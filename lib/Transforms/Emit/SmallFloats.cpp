//===- SmallFloats.cpp - floats of a byte or less, in compiled code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

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
/// mantissa end where those of an f32 do, whose bias is 127: the moved bits times
/// 2^(127 - bias) are the value, subnormals included.
Value braid::decode(LoopBuilder &b, SmallFloat format, Value words,
                    int64_t shift) {
  auto bits = [&](uint32_t value) { return bitsLike(b, value, words); };
  auto number = [&](Value word) { return retyped(b, word, b.getF32Type()); };
  Value top = words;
  if (int64_t up = 32 - format.bits() - shift)
    top = arith::ShLIOp::create(b, words, bits(up));
  uint32_t fields = ((1u << (format.bits() - 1)) - 1)
                    << (23 - format.mantissaBits);
  Value moved = arith::ShRSIOp::create(b, top, bits(8 - format.exponentBits));
  moved = b.both(moved, bits(0x80000000 | fields));
  uint32_t factor = uint32_t(2 * 127 - format.bias()) << 23;
  return b.mul(number(moved), number(bits(factor)));
}
