//===- LoopBuilder.cpp - writing loops and vectors in C++
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/LoopBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

int64_t braid::lanesOf(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type ? type.getNumElements() : 1;
}

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

template <typename IntOp, typename FloatOp>
static Value binary(LoopBuilder &b, Value x, Value y) {
  if (isFloat(x))
    return FloatOp::create(b, x, y);
  return IntOp::create(b, x, y);
}

Value LoopBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}
Value LoopBuilder::i32(int64_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
}
Value LoopBuilder::f32(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}
Value LoopBuilder::splat(double value, int64_t lanes) {
  auto type = VectorType::get({lanes}, getF32Type());
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(type, getF32FloatAttr(value).getValue()));
}
Value LoopBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(
      *this, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value LoopBuilder::add(Value a, Value b) {
  return binary<arith::AddIOp, arith::AddFOp>(*this, a, b);
}
Value LoopBuilder::sub(Value a, Value b) {
  return binary<arith::SubIOp, arith::SubFOp>(*this, a, b);
}
Value LoopBuilder::mul(Value a, Value b) {
  return binary<arith::MulIOp, arith::MulFOp>(*this, a, b);
}
Value LoopBuilder::div(Value a, Value b) {
  return binary<arith::DivUIOp, arith::DivFOp>(*this, a, b);
}
Value LoopBuilder::rem(Value a, Value b) {
  return arith::RemUIOp::create(*this, a, b);
}
Value LoopBuilder::min(Value a, Value b) {
  return binary<arith::MinSIOp, arith::MinNumFOp>(*this, a, b);
}
Value LoopBuilder::max(Value a, Value b) {
  return binary<arith::MaxSIOp, arith::MaxNumFOp>(*this, a, b);
}
Value LoopBuilder::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(*this, a, b, c);
}
Value LoopBuilder::neg(Value a) { return arith::NegFOp::create(*this, a); }
Value LoopBuilder::exp(Value a) { return math::ExpOp::create(*this, a); }

Value LoopBuilder::lt(Value a, Value b) {
  if (isFloat(a))
    return arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, a, b);
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b);
}
Value LoopBuilder::le(Value a, Value b) {
  if (isFloat(a))
    return arith::CmpFOp::create(*this, arith::CmpFPredicate::OLE, a, b);
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::sle, a, b);
}
Value LoopBuilder::eq(Value a, Value b) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, a, b);
}
Value LoopBuilder::both(Value a, Value b) {
  return arith::AndIOp::create(*this, a, b);
}
Value LoopBuilder::select(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(*this, condition, yes, no);
}

/// Halves are added until one lane is left: the order never depends on what an
/// instruction set offers.
template <typename Combine>
static Value reduceLanes(LoopBuilder &b, Value vector, Combine combine) {
  int64_t lanes = lanesOf(vector);
  while (lanes > 1) {
    lanes /= 2;
    Value low = vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{lanes},
        ArrayRef<int64_t>{1});
    Value high = vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{lanes},
        ArrayRef<int64_t>{1});
    vector = combine(low, high);
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

Value LoopBuilder::sumLanes(Value vector) {
  return reduceLanes(*this, vector,
                     [&](Value a, Value b) { return add(a, b); });
}
Value LoopBuilder::maxLanes(Value vector) {
  return reduceLanes(*this, vector,
                     [&](Value a, Value b) { return max(a, b); });
}

static Value like(LoopBuilder &b, double value, Value shape) {
  return isa<VectorType>(shape.getType()) ? b.splat(value, lanesOf(shape))
                                          : b.f32(value);
}

Value LoopBuilder::softplus(Value v) {
  Value limit = like(*this, 20.0, v);
  // Above the limit the result is v; clamping keeps exp finite there.
  Value small = math::Log1pOp::create(*this, exp(min(v, limit)));
  return select(le(v, limit), small, v); // A NaN stays one.
}

Value LoopBuilder::silu(Value v) {
  return div(v, add(like(*this, 1.0, v), exp(neg(v))));
}

Value LoopBuilder::widen(Value v) {
  if (getElementTypeOrSelf(v.getType()).isF32())
    return v;
  Type type = getF32Type();
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    type = vector.cloneWith({}, type);
  return arith::ExtFOp::create(*this, type, v);
}

Value LoopBuilder::narrow(Value v, Type element) {
  if (getElementTypeOrSelf(v.getType()) == element)
    return v;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    type = vector.cloneWith({}, element);
  return arith::TruncFOp::create(*this, type, v);
}

std::pair<Value, Value> LoopBuilder::splitPairs(Value pairs) {
  int64_t lanes = lanesOf(pairs) / 2;
  auto words = VectorType::get({lanes}, getI32Type());
  auto floats = VectorType::get({lanes}, getF32Type());
  Value bits = vector::BitCastOp::create(*this, words, pairs);
  auto constant = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(
        *this, DenseElementsAttr::get(words, getI32IntegerAttr(value)));
  };
  Value even = arith::ShLIOp::create(*this, bits, constant(16));
  Value odd = arith::AndIOp::create(*this, bits, constant(int32_t(0xffff0000)));
  return {vector::BitCastOp::create(*this, floats, even),
          vector::BitCastOp::create(*this, floats, odd)};
}

Value LoopBuilder::toIndex(Value integer) {
  return arith::IndexCastOp::create(*this, getIndexType(), integer);
}
Value LoopBuilder::toI32(Value index) {
  return arith::IndexCastOp::create(*this, getI32Type(), index);
}

void LoopBuilder::loop(Value lo, Value hi, Value step,
                       function_ref<void(Value)> body) {
  loop(lo, hi, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return Values();
  });
}

void LoopBuilder::loop(Value lo, Value hi, function_ref<void(Value)> body) {
  loop(lo, hi, index(1), body);
}

LoopBuilder::Values
LoopBuilder::loop(Value lo, Value hi, Value step, ValueRange init,
                  function_ref<Values(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(*this, lo, hi, step, init);
  OpBuilder::InsertionGuard guard(*this);
  Block *block = op.getBody();
  if (init.empty())
    setInsertionPoint(block->getTerminator());
  else
    setInsertionPointToEnd(block);
  Values results = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(*this, results);
  return Values(op.getResults());
}

void LoopBuilder::when(Value condition, function_ref<void()> then) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  then();
}

void LoopBuilder::when(Value condition, function_ref<void()> then,
                       function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  then();
  setInsertionPointToStart(op.elseBlock());
  otherwise();
}

LoopBuilder::Values LoopBuilder::choose(Value condition, TypeRange types,
                                        function_ref<Values()> then,
                                        function_ref<Values()> otherwise) {
  auto op = scf::IfOp::create(*this, types, condition, /*addThenBlock=*/true,
                              /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToEnd(op.thenBlock());
  scf::YieldOp::create(*this, then());
  setInsertionPointToEnd(op.elseBlock());
  scf::YieldOp::create(*this, otherwise());
  return Values(op.getResults());
}

void LoopBuilder::pieces(int64_t width, int64_t lanes,
                         function_ref<void(Value, int64_t)> body) {
  int64_t whole = width / lanes * lanes;
  if (whole == lanes)
    body(index(0), lanes);
  else if (whole > 0)
    loop(index(0), index(whole), index(lanes),
         [&](Value i) { body(i, lanes); });
  for (int64_t at = whole; at < width;) {
    int64_t piece = llvm::bit_floor(uint64_t(width - at));
    body(index(at), piece);
    at += piece;
  }
}

Value LoopBuilder::dim(Value memref, int64_t i) {
  return memref::DimOp::create(*this, memref, i);
}
Value LoopBuilder::load(Value memref, Indices indices) {
  return memref::LoadOp::create(*this, memref, indices);
}
void LoopBuilder::store(Value value, Value memref, Indices indices) {
  memref::StoreOp::create(*this, value, memref, indices);
}
Value LoopBuilder::loadRaw(Value memref, Indices indices, int64_t lanes) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::LoadOp::create(*this, VectorType::get({lanes}, element),
                                memref, indices);
}
Value LoopBuilder::loadVector(Value memref, Indices indices, int64_t lanes) {
  return widen(loadRaw(memref, indices, lanes));
}
void LoopBuilder::storeVector(Value vector, Value memref, Indices indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  vector::StoreOp::create(*this, narrow(vector, element), memref, indices);
}
