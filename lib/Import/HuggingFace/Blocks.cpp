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
    useRowsOf(h);
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
  Value z = called("z", columns(projected, 0, inner));
  Value xbc = called("xbc", columns(projected, inner, conv));
  Value dt = called("dt", columns(projected, inner + conv, config.mambaHeads));

  at("mixer.conv1d");
  Value out = empty(conv, types.activation);
  auto convolved = CausalConvOp::create(
      b, TypeRange{out.getType(), pools[0].getType()}, xbc, param("conv"),
      config.convBias ? param("conv_bias") : Value(), batch, ordinal, out,
      pools[0]);
  Value xBC = called("conv", convolved.getResult(0));

  at("mixer.scan");
  Value x = called("x", columns(xBC, 0, inner));
  Value B = called("B", columns(xBC, inner, bc));
  Value C = called("C", columns(xBC, inner + bc, bc));
  Value y = empty(inner, types.activation);
  auto scan = SsdScanOp::create(
      b, TypeRange{y.getType(), pools[1].getType()}, x, dt, param("A"), B, C,
      param("D"), param("dt_bias"), batch, ordinal, y, pools[1],
      b.getI64IntegerAttr(config.chunk), b.getF64FloatAttr(config.dtMin),
      b.getF64FloatAttr(config.dtMax));
  called("y", scan.getResult(0));

  at("mixer.norm");
  Value gated =
      norm(scan.getResult(0), "gated_norm", config.normEps, z, config.groups);
  at("mixer.out_proj");
  return {addResidual(h, contract(gated, "out_proj")), convolved.getResult(1),
          scan.getResult(1)};
}

SmallVector<Value> BlockBuilder::attention() {
  at("mixer.q_proj");
  Value q = called("q", project(u, "q_proj"));
  at("mixer.k_proj");
  Value k = called("k", project(u, "k_proj"));
  at("mixer.v_proj");
  Value v = called("v", project(u, "v_proj"));
  at("mixer.attention");
  Value out = empty(config.heads * config.headDim, types.activation);
  auto attended = AttentionOp::create(
      b, TypeRange{out.getType(), pools[0].getType(), pools[1].getType()}, q, k,
      v, batch, ordinal, out, pools[0], pools[1],
      b.getF64FloatAttr(1.0 / std::sqrt(double(config.headDim))));
  called("attended", attended.getResult(0));
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
  Value logits = called("logits", contract(u, "gate"));
  Value ids = empty(layer.topK, b.getI32Type());
  Value weights = empty(layer.topK, types.f32);
  auto route = RouteOp::create(b, TypeRange{ids.getType(), weights.getType()},
                               logits, param("correction_bias"), ids, weights,
                               b.getI64IntegerAttr(config.routeGroups),
                               b.getI64IntegerAttr(config.routeTopGroups),
                               config.normTopK ? b.getUnitAttr() : UnitAttr(),
                               b.getF64FloatAttr(config.routedScale));
  called("route", route.getResult(0));

  Value x = u;
  if (config.latent) {
    at("mixer.fc1_latent_proj");
    x = called("latent", project(u, "fc1"));
  }
  at("mixer.experts");
  Value out = empty(config.expertWidth(), types.activation);
  auto experts =
      ExpertsOp::create(b, TypeRange{out.getType()}, x, route.getResult(0),
                        route.getResult(1), param("up"), param("down"), out);
  Value y = called("routed", experts.getResult(0));
  if (!config.sharedIntermediate) {
    if (!config.latent)
      return {addResidual(h, y)};
    at("mixer.fc2_latent_proj");
    return {addResidual(h, contract(y, "fc2"))};
  }
  at("mixer.shared_experts.up_proj");
  Value up = projectRelu2(u, "shared_up");
  at("mixer.shared_experts.down_proj");
  if (!config.latent)
    return {addResidual(h, contract(up, "shared_down"), y)};
  // The last product takes the sums along; this one does not wait for it.
  Value shared = project(up, "shared_down");
  at("mixer.fc2_latent_proj");
  return {addResidual(h, contract(y, "fc2"), shared)};
}

void braid::nameArguments(func::FuncOp function, ArrayRef<StringRef> names) {
  MLIRContext *context = function.getContext();
  for (auto [argument, name] : llvm::zip(function.getArguments(), names))
    argument.setLoc(NameLoc::get(StringAttr::get(context, name)));
}

func::FuncOp braid::buildBlock(ImplicitLocOpBuilder &b,
                               const ModelConfig &config,
                               const ModelTypes &types,
                               const Signature &signature) {
  SmallVector<Type> inputs = {types.rows, types.index, types.index};
  SmallVector<Type> results = {types.rows};
  std::vector<StringRef> pools = poolsOf(signature.layer.kind);
  std::vector<StringRef> names = {"h", "layer", "ordinal"};
  auto add = [&](Type type, StringRef name) {
    inputs.push_back(type);
    names.push_back(name);
  };
  if (!pools.empty())
    add(types.batch, "batch");
  for (PoolAttr pool : types.pools)
    if (llvm::is_contained(pools, pool.getName())) {
      add(pool.getType(), pool.getName());
      results.push_back(pool.getType());
    }
  Location here = b.getLoc();
  auto function = func::FuncOp::create(b, signature.name,
                                       b.getFunctionType(inputs, results));
  function.setPrivate();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(function.addEntryBlock());
  nameArguments(function, names);
  SmallVector<Value> values =
      BlockBuilder(b, config, types, signature, function.getArguments())
          .build();
  func::ReturnOp::create(b, values);
  b.setLoc(here);
  return function;
}
