//===- Blocks.cpp - the body of each block kind, on tensors
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Blocks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace braid;

ModelTypes::ModelTypes(MLIRContext &context, const ModelConfig &config,
                       Precision precision)
    : f32(Float32Type::get(&context)), index(IndexType::get(&context)),
      batch(BatchType::get(&context)) {
  activation =
      precision == Precision::BF16 ? Type(BFloat16Type::get(&context)) : f32;
  constexpr int64_t dynamic = ShapedType::kDynamic;
  rows = RankedTensorType::get({dynamic, config.hidden}, activation);
  auto count = [&](BlockKind kind) {
    return llvm::count_if(config.layers, [&](const LayerConfig &layer) {
      return layer.kind == kind;
    });
  };
  auto add = [&](StringRef name, ArrayRef<int64_t> shape, Type element) {
    pools.push_back(
        PoolAttr::get(&context, name, RankedTensorType::get(shape, element)));
  };
  if (int64_t layers = count(BlockKind::Mamba)) {
    add("conv", {layers, dynamic, config.conv - 1, config.convWidth()},
        activation);
    add("ssm",
        {layers, dynamic, config.mambaHeads, config.state, config.mambaHeadDim},
        f32);
  }
  if (int64_t layers = count(BlockKind::Attention))
    for (StringRef name : {"k", "v"})
      add(name, {layers, dynamic, config.kvHeads, dynamic, config.headDim},
          activation);
}

std::vector<StringRef> braid::poolsOf(BlockKind kind) {
  if (kind == BlockKind::Mamba)
    return {"conv", "ssm"};
  if (kind == BlockKind::Attention)
    return {"k", "v"};
  return {};
}

namespace {

/// Builds one block function's body.
class BlockBuilder : RowBuilder {
public:
  BlockBuilder(ImplicitLocOpBuilder &b, const ModelConfig &config,
               const ModelTypes &types, const Signature &signature,
               ValueRange arguments)
      : RowBuilder(b, types, signature.name + "_weights", signature.weights),
        config(config), signature(signature), h(arguments[0]),
        ordinal(arguments[2]) {
    layer = arguments[1];
    if (arguments.size() > 3) {
      batch = arguments[3];
      pools = arguments.drop_front(4);
    }
  }

  SmallVector<Value> build() {
    at("norm");
    u = norm(h, "norm", config.normEps);
    switch (signature.layer.kind) {
    case BlockKind::Mamba:
      return mamba();
    case BlockKind::Attention:
      return attention();
    case BlockKind::Mlp:
      return mlp();
    case BlockKind::Moe:
      return moe();
    }
    llvm_unreachable("all kinds built");
  }

private:
  SmallVector<Value> mamba();
  SmallVector<Value> attention();
  SmallVector<Value> mlp();
  SmallVector<Value> moe();

  /// Locations inside a block are relative: "mixer.in_proj".
  void at(StringRef name) { b.setLoc(NameLoc::get(b.getStringAttr(name))); }

  const ModelConfig &config;
  const Signature &signature;
  Value h, ordinal, batch, u;
  ValueRange pools;
};

} // namespace

SmallVector<Value> BlockBuilder::mamba() {
  int64_t inner = config.innerWidth(), conv = config.convWidth();
  int64_t bc = config.groups * config.state;
  at("mixer.in_proj");
  Value projected = project(u, "in_proj");
  Value z = columns(projected, 0, inner);
  Value xbc = columns(projected, inner, conv);
  Value dt = columns(projected, inner + conv, config.mambaHeads);

  at("mixer.conv1d");
  Value out = empty(rowsOf(h), {conv}, types.activation);
  auto convolved = CausalConvOp::create(
      b, TypeRange{out.getType(), pools[0].getType()}, xbc, param("conv"),
      config.convBias ? param("conv_bias") : Value(), batch, ordinal, out,
      pools[0]);
  Value c = convolved.getResult(0);

  at("mixer.scan");
  Value y = empty(rowsOf(h), {inner}, types.activation);
  auto scan = SsdScanOp::create(
      b, TypeRange{y.getType(), pools[1].getType()}, columns(c, 0, inner), dt,
      param("A"), columns(c, inner, bc), columns(c, inner + bc, bc), param("D"),
      param("dt_bias"), batch, ordinal, y, pools[1],
      b.getI64IntegerAttr(config.chunk), b.getF64FloatAttr(config.dtMin),
      b.getF64FloatAttr(config.dtMax));

  at("mixer.norm");
  Value gated =
      norm(scan.getResult(0), "gated_norm", config.normEps, z, config.groups);
  at("mixer.out_proj");
  return {addResidual(h, contract(gated, "out_proj")), convolved.getResult(1),
          scan.getResult(1)};
}

SmallVector<Value> BlockBuilder::attention() {
  at("mixer.q_proj");
  Value q = project(u, "q_proj");
  at("mixer.k_proj");
  Value k = project(u, "k_proj");
  at("mixer.v_proj");
  Value v = project(u, "v_proj");
  at("mixer.attention");
  Value out =
      empty(rowsOf(h), {config.heads * config.headDim}, types.activation);
  auto attended = AttentionOp::create(
      b, TypeRange{out.getType(), pools[0].getType(), pools[1].getType()}, q, k,
      v, batch, ordinal, out, pools[0], pools[1],
      b.getF64FloatAttr(1.0 / std::sqrt(double(config.headDim))));
  at("mixer.o_proj");
  return {addResidual(h, contract(attended.getResult(0), "o_proj")),
          attended.getResult(1), attended.getResult(2)};
}

SmallVector<Value> BlockBuilder::mlp() {
  at("mixer.up_proj");
  Value up = projectRelu2(u, "up");
  at("mixer.down_proj");
  return {addResidual(h, contract(up, "down"))};
}

SmallVector<Value> BlockBuilder::moe() {
  const LayerConfig &layer = signature.layer;
  at("mixer.gate");
  Value logits = contract(u, "gate");
  Value ids = empty(rowsOf(h), {layer.topK}, b.getI32Type());
  Value weights = empty(rowsOf(h), {layer.topK}, types.f32);
  auto route = RouteOp::create(b, TypeRange{ids.getType(), weights.getType()},
                               logits, param("correction_bias"), ids, weights,
                               b.getI64IntegerAttr(config.routeGroups),
                               b.getI64IntegerAttr(config.routeTopGroups),
                               config.normTopK ? b.getUnitAttr() : UnitAttr(),
                               b.getF64FloatAttr(config.routedScale));

  Value x = u;
  if (config.latent) {
    at("mixer.fc1_latent_proj");
    x = project(u, "fc1");
  }
  at("mixer.experts");
  Value out = empty(rowsOf(h), {config.expertWidth()}, types.activation);
  Value y =
      ExpertsOp::create(b, TypeRange{out.getType()}, x, route.getResult(0),
                        route.getResult(1), param("up"), param("down"), out)
          .getResult(0);
  if (config.latent) {
    at("mixer.fc2_latent_proj");
    if (!config.sharedIntermediate)
      return {addResidual(h, contract(y, "fc2"))};
    y = project(y, "fc2");
  }
  if (!config.sharedIntermediate)
    return {addResidual(h, y)};
  at("mixer.shared_experts.up_proj");
  Value up = projectRelu2(u, "shared_up");
  at("mixer.shared_experts.down_proj");
  return {addResidual(h, contract(up, "shared_down"), y)};
}

func::FuncOp braid::buildBlock(ImplicitLocOpBuilder &b,
                               const ModelConfig &config,
                               const ModelTypes &types,
                               const Signature &signature) {
  SmallVector<Type> inputs = {types.rows, types.index, types.index};
  SmallVector<Type> results = {types.rows};
  std::vector<StringRef> names = poolsOf(signature.layer.kind);
  if (!names.empty())
    inputs.push_back(types.batch);
  for (PoolAttr pool : types.pools)
    if (llvm::is_contained(names, pool.getName())) {
      inputs.push_back(pool.getType());
      results.push_back(pool.getType());
    }
  Location here = b.getLoc();
  auto function = func::FuncOp::create(b, signature.name,
                                       b.getFunctionType(inputs, results));
  function.setPrivate();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(function.addEntryBlock());
  SmallVector<Value> values =
      BlockBuilder(b, config, types, signature, function.getArguments())
          .build();
  func::ReturnOp::create(b, values);
  b.setLoc(here);
  return function;
}
