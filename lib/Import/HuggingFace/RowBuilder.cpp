//===- RowBuilder.cpp - row-wise tensor code in the model's vocabulary
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Blocks.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace braid;

void RowBuilder::at(const Twine &part) {
  b.setLoc(NameLoc::get(b.getStringAttr(part)));
}

Value RowBuilder::called(StringRef name, Value value) {
  value.getDefiningOp()->setLoc(
      NameLoc::get(b.getStringAttr(name), b.getLoc()));
  return value;
}

void RowBuilder::useRowsOf(Value x) {
  Value first = called("c0", arith::ConstantIndexOp::create(b, 0));
  rows = called("rows", tensor::DimOp::create(b, x, first));
  if (!zero)
    zero = called("zero", arith::ConstantOp::create(b, b.getF32FloatAttr(0)));
}

bool RowBuilder::has(StringRef name) const {
  return llvm::any_of(weights,
                      [&](const WeightSpec &w) { return w.name == name; });
}

/// The logical type: elements of the stored kind, or bf16 where the stored form
/// is a compressed one.
static RankedTensorType logicalType(MLIRContext *context,
                                    const WeightSpec &weight) {
  Type element = BFloat16Type::get(context);
  if (weight.storage == StorageKind::F32)
    element = Float32Type::get(context);
  if (weight.storage == StorageKind::F16)
    element = Float16Type::get(context);
  return RankedTensorType::get(weight.shape, element,
                               StorageAttr::get(context, weight.storage));
}

Value RowBuilder::param(StringRef name) {
  auto found = llvm::find_if(
      weights, [&](const WeightSpec &w) { return w.name == name; });
  assert(found != weights.end() && "a weight that the signature does not list");
  MLIRContext *context = b.getContext();
  auto symbol = SymbolRefAttr::get(context, params,
                                   {FlatSymbolRefAttr::get(context, name)});
  return called(
      name, ParamOp::create(b, logicalType(context, *found), symbol, layer));
}

Value RowBuilder::empty(int64_t width, Type element) {
  SmallVector<int64_t> sizes = {ShapedType::kDynamic, width};
  return called("out",
                tensor::EmptyOp::create(b, sizes, element, ValueRange{rows}));
}

Value RowBuilder::norm(Value x, StringRef weight, double eps, Value gate,
                       int64_t groups) {
  int64_t width = cast<RankedTensorType>(x.getType()).getDimSize(1);
  Value out = empty(width, types.activation);
  auto op = RmsNormOp::create(b, TypeRange{out.getType()}, x, param(weight),
                              gate, out, b.getF64FloatAttr(eps),
                              b.getI64IntegerAttr(groups));
  return called("normed", op.getResult(0));
}

Value RowBuilder::contractInto(Value x, StringRef weight, Value out) {
  Value init = called(
      "zeros", linalg::FillOp::create(b, ValueRange{zero}, ValueRange{out})
                   .getResult(0));
  AffineExpr m, n, k;
  bindDims(b.getContext(), m, n, k);
  ArrayAttr maps =
      b.getAffineMapArrayAttr({AffineMap::get(3, 0, {m, k}, b.getContext()),
                               AffineMap::get(3, 0, {n, k}, b.getContext()),
                               AffineMap::get(3, 0, {m, n}, b.getContext())});
  auto op = linalg::ContractOp::create(b, TypeRange{init.getType()},
                                       ValueRange{x, param(weight)},
                                       ValueRange{init}, maps);
  return called("product", op.getResult(0));
}

Value RowBuilder::contract(Value x, StringRef weight) {
  auto found = llvm::find_if(
      weights, [&](const WeightSpec &w) { return w.name == weight; });
  int64_t n = found->shape[0];
  Value sum = contractInto(x, weight, empty(n, types.f32));
  std::string bias = (weight + "_bias").str();
  if (!has(bias))
    return sum;
  Value out = empty(n, types.f32);
  return called("biased", elementwise({sum, param(bias)}, out,
                                      [&](OpBuilder &o, Location loc,
                                          Scalars v) -> Value {
                                        return arith::AddFOp::create(
                                            o, loc, v[0], widen(o, loc, v[1]));
                                      }));
}

Value RowBuilder::round(OpBuilder &o, Location loc, Value v) {
  if (types.activation == v.getType())
    return v;
  return arith::TruncFOp::create(o, loc, types.activation, v);
}

Value RowBuilder::widen(OpBuilder &o, Location loc, Value v) {
  if (v.getType().isF32())
    return v;
  return arith::ExtFOp::create(o, loc, types.f32, v);
}

Value RowBuilder::elementwise(ValueRange ins, Value out, ScalarFn fn) {
  SmallVector<AffineMap> maps;
  for (Value in : ins) {
    bool perColumn = cast<RankedTensorType>(in.getType()).getRank() == 1;
    maps.push_back(perColumn
                       ? AffineMap::get(2, 0, b.getAffineDimExpr(1))
                       : AffineMap::getMultiDimIdentityMap(2, b.getContext()));
  }
  maps.push_back(AffineMap::getMultiDimIdentityMap(2, b.getContext()));
  SmallVector<utils::IteratorType> parallel(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange{out.getType()}, ins, ValueRange{out}, maps, parallel,
             [&](OpBuilder &o, Location loc, ValueRange scalars) {
               linalg::YieldOp::create(o, loc, fn(o, loc, scalars));
             })
      .getResult(0);
}

Value RowBuilder::project(Value x, StringRef weight) {
  Value sum = contract(x, weight);
  if (types.activation.isF32())
    return sum;
  int64_t n = cast<RankedTensorType>(sum.getType()).getDimSize(1);
  Value out = empty(n, types.activation);
  return called(
      "rounded",
      elementwise({sum}, out, [&](OpBuilder &o, Location loc, Scalars v) {
        return round(o, loc, v[0]);
      }));
}

Value RowBuilder::projectRelu2(Value x, StringRef weight) {
  Value sum = contract(x, weight);
  int64_t n = cast<RankedTensorType>(sum.getType()).getDimSize(1);
  Value out = empty(n, types.activation);
  return called(
      "activated",
      elementwise(
          {sum}, out, [&](OpBuilder &o, Location loc, Scalars v) -> Value {
            Value zero =
                arith::ConstantOp::create(o, loc, o.getF32FloatAttr(0));
            Value up = widen(o, loc, round(o, loc, v[0]));
            Value positive = arith::MaximumFOp::create(o, loc, up, zero);
            return round(o, loc,
                         arith::MulFOp::create(o, loc, positive, positive));
          }));
}

Value RowBuilder::addResidual(Value h, Value acc, Value addend) {
  SmallVector<Value> ins = {acc};
  if (addend)
    ins.push_back(addend);
  Value summed =
      elementwise(ins, h, [&](OpBuilder &o, Location loc, Scalars v) -> Value {
        Value sum = widen(o, loc, round(o, loc, v[0]));
        if (addend) {
          sum = arith::AddFOp::create(o, loc, widen(o, loc, v[1]), sum);
          sum = widen(o, loc, round(o, loc, sum));
        }
        Value old = widen(o, loc, v.back());
        return round(o, loc, arith::AddFOp::create(o, loc, old, sum));
      });
  return called("h", summed);
}

Value RowBuilder::columns(Value x, int64_t begin, int64_t width) {
  OpFoldResult one = b.getIndexAttr(1), all = rows;
  auto type = cast<RankedTensorType>(x.getType());
  return tensor::ExtractSliceOp::create(
      b,
      RankedTensorType::get({ShapedType::kDynamic, width},
                            type.getElementType()),
      x, ArrayRef<OpFoldResult>{b.getIndexAttr(0), b.getIndexAttr(begin)},
      ArrayRef<OpFoldResult>{all, b.getIndexAttr(width)},
      ArrayRef<OpFoldResult>{one, one});
}
