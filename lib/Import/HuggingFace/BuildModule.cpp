//===- BuildModule.cpp - the module: weight tables, blocks, the step
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Import/BuildModule.h"
#include "Blocks.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace braid;

static Type storedElement(MLIRContext *context, StorageKind kind) {
  if (kind == StorageKind::F32)
    return Float32Type::get(context);
  if (kind == StorageKind::F16)
    return Float16Type::get(context);
  return BFloat16Type::get(context);
}

static void buildParams(ImplicitLocOpBuilder &b, StringRef name,
                        ArrayRef<int64_t> layers,
                        ArrayRef<WeightSpec> weights) {
  MLIRContext *context = b.getContext();
  auto params = ParamsOp::create(b, b.getStringAttr(name),
                                 b.getDenseI64ArrayAttr(layers));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&params.getBody().emplaceBlock());
  for (const WeightSpec &weight : weights) {
    auto type = RankedTensorType::get(
        weight.shape, storedElement(context, weight.storage),
        StorageAttr::get(context, weight.storage));
    WeightOp::create(
        b, b.getStringAttr(weight.name), b.getStringAttr(weight.source),
        TypeAttr::get(type), weight.stacked ? b.getUnitAttr() : UnitAttr(),
        weight.transform.empty() ? StringAttr()
                                 : b.getStringAttr(weight.transform),
        b.getStringAttr(weight.init), TypeAttr(), IntegerAttr(),
        FlatSymbolRefAttr());
  }
}

namespace {

/// Builds `@step`: ids -> logits, through all layers.
class StepBuilder {
public:
  StepBuilder(ImplicitLocOpBuilder &b, const ModelConfig &config,
              const ModelTypes &types, const Signatures &signatures)
      : b(b), config(config), types(types), signatures(signatures),
        rows(b, types, "model", signatures.model) {}

  void build(ArrayRef<func::FuncOp> blocks) {
    declare();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(function.addEntryBlock());
    nameAll();
    ids = argument(StepArgument::Ids);
    batch = argument(StepArgument::Batch);
    outputRows = argument(StepArgument::OutputRows);
    logits = argument(StepArgument::Logits);
    chosen = argument(StepArgument::Chosen);
    hidden = argument(StepArgument::Hidden);
    for (auto [i, pool] : llvm::enumerate(types.pools))
      pools[pool.getName()] = argument(StepArgument::Pool, i);

    Value h = embed();
    for (auto [l, place] : llvm::enumerate(signatures.places))
      h = callLayer(l, place, blocks[place.signature], h);
    head(h);
    SmallVector<Value> results = {logits, chosen, hidden};
    for (PoolAttr pool : types.pools)
      results.push_back(pools[pool.getName()]);
    func::ReturnOp::create(b, results);
  }

private:
  static constexpr unsigned kFirstPool = unsigned(StepArgument::Pool);

  Value argument(StepArgument which, unsigned pool = 0) {
    return function.getArgument(unsigned(which) + pool);
  }

  Type typeOf(StepArgument argument) {
    constexpr int64_t dynamic = ShapedType::kDynamic;
    switch (argument) {
    case StepArgument::Ids:
    case StepArgument::OutputRows:
    case StepArgument::Keys:
    case StepArgument::Chosen:
      return RankedTensorType::get({dynamic}, b.getI32Type());
    case StepArgument::Batch:
      return types.batch;
    case StepArgument::Temperatures:
      return RankedTensorType::get({dynamic}, types.f32);
    case StepArgument::Logits:
      return RankedTensorType::get({dynamic, config.vocab}, types.f32);
    case StepArgument::Hidden:
      return RankedTensorType::get({dynamic, dynamic, config.hidden},
                                   types.f32);
    case StepArgument::Pool:
      break;
    }
    llvm_unreachable("each pool has its own type");
  }

  void declare() {
    SmallVector<Type> inputs;
    for (unsigned i = 0; i < kFirstPool; ++i)
      inputs.push_back(typeOf(StepArgument(i)));
    SmallVector<Type> results = {typeOf(StepArgument::Logits),
                                 typeOf(StepArgument::Chosen),
                                 typeOf(StepArgument::Hidden)};
    for (PoolAttr pool : types.pools) {
      inputs.push_back(pool.getType());
      results.push_back(pool.getType());
    }
    function =
        func::FuncOp::create(b, "step", b.getFunctionType(inputs, results));
  }

  void nameAll() {
    SmallVector<StringRef> names;
    for (unsigned i = 0; i < kFirstPool; ++i)
      names.push_back(stringifyStepArgument(StepArgument(i)));
    for (PoolAttr pool : types.pools)
      names.push_back(pool.getName());
    nameArguments(function, names);
  }

  Value index(int64_t value) {
    Value &constant = constants[value];
    if (!constant)
      constant = rows.called("c" + std::to_string(value),
                             arith::ConstantIndexOp::create(b, value));
    return constant;
  }

  Value embed() {
    rows.at("embeddings");
    rows.layer = index(0);
    rows.useRowsOf(ids);
    Value h = gather(ids, rows.param("embedding"));
    tap(h, 0);
    return h;
  }

  Value gather(Value indices, Value table) {
    Value out = rows.empty(config.hidden, types.activation);
    auto op =
        GatherRowsOp::create(b, TypeRange{out.getType()}, indices, table, out);
    return rows.called("h", op.getResult(0));
  }

  void tap(Value h, int64_t layer) {
    auto op =
        TapOp::create(b, TypeRange{hidden.getType()}, h, index(layer), hidden);
    hidden = rows.called("hidden", op.getResult(0));
  }

  Value callLayer(int64_t l, const LayerPlace &place, func::FuncOp block,
                  Value h) {
    rows.at("layers." + Twine(l));
    std::vector<StringRef> names = poolsOf(config.layers[l].kind);
    SmallVector<Value> operands = {h, index(place.instance),
                                   index(place.ordinal)};
    if (!names.empty())
      operands.push_back(batch);
    for (StringRef name : names)
      operands.push_back(pools[name]);
    auto call = func::CallOp::create(b, block, operands);
    for (auto [i, name] : llvm::enumerate(names))
      pools[name] = call.getResult(1 + i);
    tap(call.getResult(0), l + 1);
    return call.getResult(0);
  }

  void head(Value h) {
    rows.at("norm_f");
    rows.useRowsOf(outputRows);
    Value normed = rows.norm(gather(outputRows, h), "norm_f", config.normEps);
    rows.at("lm_head");
    logits = rows.contractInto(normed, "lm_head", logits);
    rows.at("sample");
    auto op = SampleOp::create(b, TypeRange{chosen.getType()}, logits,
                               argument(StepArgument::Temperatures),
                               argument(StepArgument::Keys), chosen);
    chosen = rows.called("chosen", op.getResult(0));
  }

  ImplicitLocOpBuilder &b;
  const ModelConfig &config;
  const ModelTypes &types;
  const Signatures &signatures;
  RowBuilder rows;
  func::FuncOp function;
  Value ids, batch, outputRows, logits, chosen, hidden;
  llvm::StringMap<Value> pools;
  llvm::DenseMap<int64_t, Value> constants;
};

} // namespace

/// What the manifest says of the model beside its code.
static std::string metadata(const ModelConfig &config) {
  llvm::json::Object model{
      {"type", config.modelType},    {"layers", int64_t(config.layers.size())},
      {"pattern", config.pattern()}, {"hidden", config.hidden},
      {"vocabulary", config.vocab},  {"context", config.context},
      {"latent", config.latent},
  };
  llvm::json::Object generation{{"eos", llvm::json::Array(config.eos)},
                                {"bos", config.bos},
                                {"pad", config.pad}};
  llvm::json::Object all{{"model", std::move(model)},
                         {"generation", std::move(generation)}};
  return llvm::formatv("{0}", llvm::json::Value(std::move(all))).str();
}

OwningOpRef<ModuleOp> braid::buildModule(MLIRContext &context,
                                         const ModelConfig &config,
                                         const CheckpointNames &names,
                                         const rt::Checkpoint *checkpoint,
                                         Precision precision) {
  context.loadDialect<BraidDialect, func::FuncDialect, arith::ArithDialect,
                      linalg::LinalgDialect, tensor::TensorDialect>();
  Signatures signatures = groupLayers(config, names, checkpoint);
  ModelTypes types(context, config, precision);
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc(), "model");
  b.setInsertionPointToStart(module->getBody());

  (*module)->setAttr(kPhaseAttr, b.getStringAttr("model"));
  (*module)->setAttr(
      kPrecisionAttr,
      b.getStringAttr(precision == Precision::BF16 ? "bf16" : "f32"));
  (*module)->setAttr(kStatePlanAttr, StatePlanAttr::get(&context, types.pools));
  (*module)->setAttr(kMetadataAttr, b.getStringAttr(metadata(config)));

  buildParams(b, "model", {-1}, signatures.model);
  for (const Signature &signature : signatures.blocks)
    buildParams(b, signature.name + "_weights", signature.layers,
                signature.weights);
  SmallVector<func::FuncOp> blocks;
  for (const Signature &signature : signatures.blocks)
    blocks.push_back(buildBlock(b, config, types, signature));
  StepBuilder(b, config, types, signatures).build(blocks);
  return module;
}
