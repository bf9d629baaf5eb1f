//===- Sampling.cpp - what kernels of braid.sample share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Sampling.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

static Value floatLike(LoopBuilder &b, double value, Value shape) {
  return isa<VectorType>(shape.getType()) ? b.splat(value, lanesOf(shape))
                                          : b.f32(value);
}

/// Arithmetic on 32 bits wraps around.
Value braid::gumbel(LoopBuilder &b, Value key, Value id) {
  auto word = [&](uint32_t value) { return bitsLike(b, value, id); };
  auto shifted = [&](Value x, uint32_t bits) -> Value {
    return arith::ShRUIOp::create(b, x, word(bits));
  };
  auto stir = [&](Value x, uint32_t bits) -> Value {
    return arith::XOrIOp::create(b, x, shifted(x, bits));
  };
  Value keys = isa<VectorType>(id.getType()) ? b.splat(key, lanesOf(id)) : key;
  Value x = b.add(b.mul(id, word(0x9e3779b9)), keys);
  x = b.mul(stir(x, 16), word(0x7feb352d));
  x = b.mul(stir(x, 15), word(0x846ca68b));
  x = stir(x, 16);
  Type floats = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(id.getType()))
    floats = vector.cloneWith({}, floats);
  Value u = arith::SIToFPOp::create(b, floats, shifted(x, 1));
  u = b.mul(b.add(u, floatLike(b, 0.5, id)), floatLike(b, 0x1p-31, id));
  Value rate = b.neg(math::Log1pOp::create(b, b.neg(u)));
  return b.neg(math::LogOp::create(b, rate));
}

Choice Choice::none(LoopBuilder &b, int64_t lanes) {
  return {b.splat(-kInfinity, lanes), b.splat(b.i32(0), lanes)};
}

Choice Choice::better(LoopBuilder &b, Choice one, Choice other) {
  Value first = b.both(
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, one.score,
                            other.score),
      b.lt(other.id, one.id));
  Value wins = arith::OrIOp::create(b, b.lt(one.score, other.score), first);
  return {b.select(wins, other.score, one.score),
          b.select(wins, other.id, one.id)};
}

Choice Choice::ofLanes(LoopBuilder &b, Choice choice) {
  auto piece = [&](Value vector, int64_t first, int64_t lanes) -> Value {
    return vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{lanes},
        ArrayRef<int64_t>{1});
  };
  for (int64_t lanes = lanesOf(choice.score) / 2; lanes > 0; lanes /= 2)
    choice = better(b, {piece(choice.score, 0, lanes), piece(choice.id, 0, lanes)},
                    {piece(choice.score, lanes, lanes),
                     piece(choice.id, lanes, lanes)});
  return {vector::ExtractOp::create(b, choice.score, ArrayRef<int64_t>{0}),
          vector::ExtractOp::create(b, choice.id, ArrayRef<int64_t>{0})};
}

Choice braid::scored(LoopBuilder &b, SampleOp op, Value row, Value first,
                     Value logits, bool noisy) {
  int64_t lanes = lanesOf(logits);
  SmallVector<int32_t> places(lanes);
  std::iota(places.begin(), places.end(), 0);
  auto words = VectorType::get({lanes}, b.getI32Type());
  Value place = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, ArrayRef<int32_t>(places)));
  Value id = b.add(b.splat(b.toI32(first), lanes), place), score = logits;
  if (noisy) {
    Value temperature = b.splat(b.load(op.getTemperatures(), {row}), lanes);
    Value noise = gumbel(b, b.load(op.getKeys(), {row}), id);
    score = b.add(b.div(logits, temperature), noise);
  }
  Value infinity = b.splat(kInfinity, lanes);
  return {b.select(b.lt(logits, infinity), score, infinity), id};
}

Value braid::reported(LoopBuilder &b, Choice best) {
  Value finite = b.both(b.lt(b.f32(-kInfinity), best.score),
                        b.lt(best.score, b.f32(kInfinity)));
  Value complaint = arith::XOrIOp::create(b, best.id, b.i32(-1));
  return b.select(finite, best.id, complaint);
}
