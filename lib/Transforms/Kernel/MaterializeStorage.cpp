//===- MaterializeStorage.cpp - gives every weight the layout that kernels read
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Dialect/PackedLayout.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace braid {
#define GEN_PASS_DEF_MATERIALIZESTORAGE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

/// The storage of a value that reads a weight, or null.
StorageAttr storageOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? dyn_cast_or_null<StorageAttr>(type.getEncoding()) : nullptr;
}

/// Panels of W [N, K] or [E, N, K] that is multiplied with x: as stored if x is
/// bf16 and kernels can decode it, else in numbers of the type of x.
RankedTensorType packedType(RankedTensorType logical, Type x) {
  int64_t inputs = logical.getShape().back();
  StorageKind format = x.isBF16() ? StorageKind::BF16 : StorageKind::F32;
  StorageKind stored = cast<StorageAttr>(logical.getEncoding()).getKind();
  if (x.isBF16() && PackedLayout(stored, inputs).isCoded() &&
      inputs % PackedLayout::kBlock == 0)
    format = stored;
  return PackedLayout(format, inputs).pack(logical);
}

class MaterializeStorage
    : public braid::impl::MaterializeStorageBase<MaterializeStorage> {
  void runOnOperation() override;

  LogicalResult materialize(ParamOp param);
  void packContraction(linalg::ContractOp contract, ParamOp param);
  void decomposeExperts(ExpertsOp experts);
  void plainVector(ParamOp param);
  void plainTable(ParamOp param, Type activation);

  /// Replaces the type that `param` reads and notes it at the declaration.
  Value retype(ParamOp param, RankedTensorType packed);
  void numberTable();
};

} // namespace

Value MaterializeStorage::retype(ParamOp param, RankedTensorType packed) {
  param.getDeclaration().setPackedAttr(TypeAttr::get(packed));
  param.getResult().setType(packed);
  return param.getResult();
}

/// The epilogue that gives the accumulator as it is.
static void passThrough(OpBuilder &b, PackedContractOp op) {
  Block &body = op.getEpilogue().emplaceBlock();
  Type f32 = b.getF32Type();
  body.addArguments({f32, f32}, {op.getLoc(), op.getLoc()});
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  YieldOp::create(inside, op.getLoc(), ValueRange{body.getArgument(0)});
}

/// A router's scores are formed in f32 even where activations are bf16.
static bool feedsRouter(linalg::ContractOp contract) {
  return llvm::any_of(contract->getUsers(),
                      [](Operation *user) { return isa<RouteOp>(user); });
}

/// True if `value` is a tensor of zeros.
static bool isZero(Value value) {
  auto fill = value.getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
}

/// A packed contraction is y[m, n] = sum_k x[m, k] w[n, k], from zero and in
/// f32. Anything else would silently become that.
static LogicalResult checkContraction(linalg::ContractOp contract,
                                      ParamOp param) {
  AffineExpr m, n, k;
  bindDims(contract.getContext(), m, n, k);
  using Maps = ArrayRef<ArrayRef<AffineExpr>>;
  SmallVector<AffineMap> expected = AffineMap::inferFromExprList(
      Maps{{m, k}, {n, k}, {m, n}}, contract.getContext());
  if (contract.getInputs()[1] != param.getResult() ||
      contract.getIndexingMapsArray() != expected)
    return contract.emitOpError("expected y[m, n] = sum_k x[m, k] w[n, k] with "
                                "the stored weight as w");
  Value init = contract.getOutputs()[0];
  if (!cast<ShapedType>(init.getType()).getElementType().isF32())
    return contract.emitOpError(
               "expected products to accumulate in f32, found ")
           << init.getType();
  if (!isZero(init))
    return contract.emitOpError("expected a sum that starts from zero");
  return success();
}

void MaterializeStorage::packContraction(linalg::ContractOp contract,
                                         ParamOp param) {
  OpBuilder b(contract);
  Value x = contract.getInputs()[0];
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  if (feedsRouter(contract) && storageOf(param).getKind() == StorageKind::F32)
    element = b.getF32Type();
  Value packed = retype(
      param, packedType(cast<RankedTensorType>(param.getType()), element));
  // The sum starts from zero anyhow: what was filled is written once.
  auto fill = contract.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  Value init = fill.getOutputs()[0];
  auto op = PackedContractOp::create(
      b, contract.getLoc(), TypeRange{init.getType()}, x, packed, ValueRange(),
      ValueRange(), init, UnitAttr());
  passThrough(b, op);
  contract.replaceAllUsesWith(op);
  contract.erase();
  ++numContracts;
}

/// r(relu(r(acc))^2), or r(acc) without the square.
static void fillExpertEpilogue(PackedContractOp op, bool square) {
  Location loc = op.getLoc();
  Type element = cast<ShapedType>(op.getInit().getType()).getElementType();
  Block &body = op.getEpilogue().emplaceBlock();
  OpBuilder b = OpBuilder::atBlockEnd(&body);
  Type f32 = b.getF32Type();
  body.addArguments({f32, element}, {loc, loc});
  Value value = body.getArgument(0);
  auto round = [&](Value v) -> Value {
    return element == f32 ? v : arith::TruncFOp::create(b, loc, element, v);
  };
  if (square) {
    if (element != f32)
      value = arith::ExtFOp::create(b, loc, f32, round(value));
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    value = arith::MaximumFOp::create(b, loc, value, zero);
    value = arith::MulFOp::create(b, loc, value, value);
  }
  YieldOp::create(b, loc, ValueRange{round(value)});
}

void MaterializeStorage::decomposeExperts(ExpertsOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto up = op.getUp().getDefiningOp<ParamOp>();
  auto down = op.getDown().getDefiningOp<ParamOp>();
  auto upType = cast<RankedTensorType>(up.getType());
  auto downType = cast<RankedTensorType>(down.getType());
  int64_t experts = upType.getDimSize(0), inner = upType.getDimSize(1),
          width = upType.getDimSize(2);
  int64_t k = cast<RankedTensorType>(op.getIds().getType()).getDimSize(1);
  Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
  Value rows = tensor::DimOp::create(b, op.getX(), 0);
  auto perPair = [&](ArrayRef<int64_t> inside, Type type) -> Value {
    SmallVector<int64_t> shape = {ShapedType::kDynamic, k};
    shape.append(inside.begin(), inside.end());
    return tensor::EmptyOp::create(b, shape, type, ValueRange{rows});
  };
  auto perExpert = [&]() -> Value {
    return tensor::EmptyOp::create(b, ArrayRef<int64_t>{experts + 1},
                                   b.getI32Type());
  };
  Value order = perPair({}, b.getI32Type());
  Value begin = perExpert(), active = perExpert();
  auto groups = GroupRowsOp::create(
      b, TypeRange{order.getType(), begin.getType(), active.getType()},
      op.getIds(), order, begin, active);

  Value act = perPair({inner}, element);
  auto first = PackedContractOp::create(b, TypeRange{act.getType()}, op.getX(),
                                        retype(up, packedType(upType, element)),
                                        ValueRange(), groups.getResults(), act,
                                        b.getUnitAttr());
  fillExpertEpilogue(first, /*square=*/true);
  Value parts = perPair({width}, element);
  auto second = PackedContractOp::create(
      b, TypeRange{parts.getType()}, first.getResult(0),
      retype(down, packedType(downType, element)), ValueRange(),
      groups.getResults(), parts, UnitAttr());
  fillExpertEpilogue(second, /*square=*/false);
  auto sum = CombineExpertsOp::create(b, TypeRange{op.getInit().getType()},
                                      second.getResult(0), op.getWeights(),
                                      op.getInit());
  op.replaceAllUsesWith(sum);
  op.erase();
  numContracts += 2;
}

void MaterializeStorage::plainVector(ParamOp param) {
  auto type = cast<RankedTensorType>(param.getType());
  Type f32 = Float32Type::get(&getContext());
  retype(param, RankedTensorType::get(type.getShape(), f32));
  // A bias is read inside a generic: its element changes type there too.
  for (OpOperand &use : param->getUses()) {
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!generic)
      continue;
    BlockArgument element = generic.getMatchingBlockArgument(&use);
    element.setType(f32);
    for (Operation *user : llvm::make_early_inc_range(element.getUsers()))
      if (auto widen = dyn_cast<arith::ExtFOp>(user)) {
        widen.replaceAllUsesWith(Value(element));
        widen.erase();
      }
  }
}

/// A table stays as it is stored if it is bf16; otherwise its rows have the
/// type of the activations.
void MaterializeStorage::plainTable(ParamOp param, Type activation) {
  auto type = cast<RankedTensorType>(param.getType());
  Type element =
      type.getElementType().isBF16() ? type.getElementType() : activation;
  retype(param, RankedTensorType::get(type.getShape(), element));
}

LogicalResult MaterializeStorage::materialize(ParamOp param) {
  if (!storageOf(param))
    return success();
  if (param->use_empty()) {
    param.erase();
    return success();
  }
  if (!param->hasOneUse())
    return param.emitOpError("expected one user of a weight read");
  OpOperand &use = *param->use_begin();
  Operation *user = use.getOwner();
  if (auto contract = dyn_cast<linalg::ContractOp>(user)) {
    if (failed(checkContraction(contract, param)))
      return failure();
    packContraction(contract, param);
    return success();
  }
  if (auto experts = dyn_cast<ExpertsOp>(user)) {
    for (Value stack : {experts.getUp(), experts.getDown()})
      if (!stack.getDefiningOp<ParamOp>() || !stack.hasOneUse())
        return experts.emitOpError("expected two stacks of weights that it "
                                   "alone reads");
    decomposeExperts(experts);
    return success();
  }
  if (auto gather = dyn_cast<GatherRowsOp>(user)) {
    plainTable(
        param,
        cast<RankedTensorType>(gather.getInit().getType()).getElementType());
    return success();
  }
  if (isa<BraidDialect>(user->getDialect()) || isa<linalg::GenericOp>(user)) {
    plainVector(param);
    return success();
  }
  return param.emitOpError("a stored weight cannot be used by '")
         << user->getName() << "'";
}

void MaterializeStorage::numberTable() {
  int64_t next = 0;
  for (auto params : getOperation().getOps<ParamsOp>())
    for (auto weight : params.getOps<WeightOp>()) {
      if (!weight.getPacked()) // Nothing reads it.
        continue;
      weight.setTable(next);
      next += params.getLayers().size();
    }
}

void MaterializeStorage::runOnOperation() {
  SmallVector<ParamOp> params;
  getOperation().walk([&](ParamOp param) { params.push_back(param); });
  for (ParamOp param : params)
    if (failed(materialize(param)))
      return signalPassFailure();
  numberTable();
}
