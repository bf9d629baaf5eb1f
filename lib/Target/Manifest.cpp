//===- Manifest.cpp - the artefact's manifest
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/abi.h"
#include "braid-rt/error.h"
#include "braid/Dialect/Braid.h"
#include "braid/Target/Bundle.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace braid;
namespace json = llvm::json;

[[noreturn]] static void refuse(const Twine &what) {
  throw rt::Error(what.str(),
                  "the passes write it; was a dump of the device phase edited?");
}

/// An attribute that the passes have set, unless somebody edited a dump.
template <typename Attr> static Attr required(ModuleOp module, StringRef name) {
  auto attribute = module->getAttrOfType<Attr>(name);
  if (!attribute)
    refuse("the module's attribute '" + name + "' is missing or of a wrong "
                                               "type");
  return attribute;
}

static int64_t bytesOf(Type element) {
  return element.getIntOrFloatBitWidth() / 8;
}

static std::string dtypeName(Type element) {
  if (element.isF32())
    return "f32";
  return element.isBF16() ? "bf16" : "f16";
}

static json::Array writePools(ModuleOp module) {
  json::Array pools;
  auto plan = required<StatePlanAttr>(module, kStatePlanAttr);
  for (PoolAttr pool : plan.getPools()) {
    RankedTensorType type = pool.getType();
    json::Array shape{"layers", "slots"};
    for (int64_t size : type.getShape().drop_front(2))
      shape.push_back(ShapedType::isDynamic(size) ? json::Value("context")
                                                  : json::Value(size));
    pools.push_back(json::Object{
        {"name", pool.getName()},
        {"dtype", dtypeName(type.getElementType())},
        {"shape", std::move(shape)},
        {"layers", type.getDimSize(0)},
        {"element_bytes", bytesOf(type.getElementType())}});
  }
  return pools;
}

static json::Object source(StringRef suffix, StringRef dtype,
                           ArrayRef<int64_t> shape, StringRef init) {
  return json::Object{{"suffix", suffix},
                      {"dtype", dtype},
                      {"shape", json::Array(shape)},
                      {"init", init}};
}

/// The checkpoint tensors of one weight, of one expert if it is a stack.
static json::Array writeSources(WeightOp weight) {
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (shape.size() == 3)
    shape.erase(shape.begin());
  if (weight.getTransform() == "transpose") // Stored as [channels, 1, taps].
    shape = {shape[1], 1, shape[0]};
  StringRef init = weight.getInit().value_or("uniform:0.02");
  json::Array sources;
  switch (cast<StorageAttr>(type.getEncoding()).getKind()) {
  case StorageKind::F32:
    sources.push_back(source("", "F32", shape, init));
    break;
  case StorageKind::BF16:
    sources.push_back(source("", "BF16", shape, init));
    break;
  case StorageKind::F16:
    sources.push_back(source("", "F16", shape, init));
    break;
  case StorageKind::FP8:
    sources.push_back(source(".weight", "F8_E4M3", shape, "uniform:448"));
    sources.push_back(source(".weight_scale", "F32", {}, "const:0.0001"));
    break;
  case StorageKind::NVFP4:
    sources.push_back(
        source(".weight", "U8", {shape[0], shape[1] / 2}, "bytes"));
    sources.push_back(source(".weight_scale", "F8_E4M3",
                             {shape[0], shape[1] / 16}, "const:1"));
    sources.push_back(source(".weight_scale_2", "F32", {}, "const:0.02"));
    break;
  }
  if (weight.getStacked())
    for (json::Value &entry : sources)
      (*entry.getAsObject())["stacked"] = true;
  return sources;
}

namespace {
/// Lays the packed weights out in the weights file.
struct WeightLayout {
  int64_t end = 4096, count = 0;
  json::Array entries;

  void add(ParamsOp params, WeightOp weight) {
    if (!weight.getTable() || !weight.getPrepare())
      refuse("weight '" + weight.getSymName() + "' has a packed type but no "
                                                "'table' or no 'prepare'");
    auto packed = cast<RankedTensorType>(*weight.getPacked());
    auto logical = cast<RankedTensorType>(weight.getType());
    int64_t total = packed.getNumElements() * bytesOf(packed.getElementType());
    int64_t experts = logical.getRank() == 3 ? logical.getDimSize(0) : 0;
    int64_t piece = experts ? total / experts : total;
    int64_t stride = llvm::alignTo(total, BRAID_ALIGNMENT);
    int64_t layers = params.getLayers().size();
    StringRef group = params.getSymName();
    group.consume_back("_weights");
    entries.push_back(json::Object{
        {"name", (group + "." + weight.getSymName()).str()},
        {"tensor", weight.getSource()},
        {"layers", json::Array(params.getLayers())},
        {"experts", experts},
        {"table", *weight.getTable()},
        {"offset", end},
        {"layer_stride", stride},
        {"expert_stride", experts ? piece : 0},
        {"bytes", piece},
        {"prepare", weight.getPrepare()->str()},
        {"sources", writeSources(weight)}});
    end += stride * layers;
    count = std::max<int64_t>(count, *weight.getTable() + layers);
  }
};
} // namespace

/// What count-work found out about a kernel.
static void addWork(json::Object &kernel, DictionaryAttr work) {
  for (NamedAttribute entry : work) {
    StringRef key = entry.getName();
    if (auto text = dyn_cast<StringAttr>(entry.getValue()))
      kernel[key] = text.getValue();
    else if (auto flag = dyn_cast<BoolAttr>(entry.getValue()))
      kernel[key] = flag.getValue();
    else if (auto number = dyn_cast<IntegerAttr>(entry.getValue()))
      kernel[key] = number.getInt();
    else
      refuse("the entry '" + key + "' of 'braid.work' is not a number, a text "
                                   "or a flag");
  }
}

static json::Array writeKernels(ModuleOp module) {
  SmallVector<std::pair<int64_t, LLVM::LLVMFuncOp>> functions;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (auto number = function->getAttrOfType<IntegerAttr>(kKernelAttr);
        number && !function->hasAttr(kTargetAttr))
      functions.push_back({number.getInt(), function});
  llvm::sort(functions, llvm::less_first());
  json::Array kernels;
  for (auto &[number, function] : functions) {
    json::Object kernel{{"name", function.getSymName()}};
    if (auto work = function->getAttrOfType<DictionaryAttr>(kWorkAttr))
      addWork(kernel, work);
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

/// The kernels of a GPU target, in the order of their numbers.
static json::Array writeGPUKernels(ModuleOp module, gpu::GPUModuleOp device,
                                   ArrayRef<Cubin> cubins) {
  json::Array kernels;
  int64_t offset = 0; // In DeviceCode::cubinSection().
  for (auto [function, cubin] : llvm::zip_equal(kernelsOf(device), cubins)) {
    auto number = [&, function = function](StringRef name) {
      return function->getAttrOfType<IntegerAttr>(name).getInt();
    };
    std::string sim =
        ("sim_" + device.getName() + "_" + function.getSymName()).str();
    json::Object kernel{{"name", function.getSymName()},
                        {"kernel", number(kKernelAttr)},
                        {"threads", number(kThreadsAttr)},
                        {"shared_bytes", number(kSharedBytesAttr)}};
    if (auto strategy = function->getAttrOfType<StringAttr>(kStrategyAttr))
      kernel["strategy"] = strategy.getValue();
    if (auto op = function->getAttrOfType<StringAttr>(kOpAttr))
      kernel["op"] = op.getValue();
    if (module.lookupSymbol(sim))
      kernel["sim"] = sim;
    if (int64_t bytes = cubin.bytes.size()) {
      kernel["cubin_at"] = json::Array{offset, bytes};
      offset += bytes;
    }
    if (cubin.resources) {
      kernel["registers"] = cubin.resources->registers;
      kernel["stack_bytes"] = cubin.resources->stackBytes;
      kernel["spill_bytes"] = cubin.resources->spillBytes;
    }
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

static json::Array writeGPUs(ModuleOp module, const BundleOptions &options) {
  json::Array gpus;
  for (const DeviceCode &code : options.deviceCode) {
    auto device = module.lookupSymbol<gpu::GPUModuleOp>(code.target.name);
    gpus.push_back(json::Object{
        {"target", code.target.name},
        {"exact", code.target.exact},
        {"ptx_version", code.target.ptxVersion},
        {"cubin", !code.cubinSection().empty()},
        {"ptxas", code.ptxas},
        {"entry", "braid_step_" + code.target.name},
        {"kernels", writeGPUKernels(module, device, code.cubins)}});
  }
  return gpus;
}

json::Object braid::metadataOf(ModuleOp module) {
  auto text = required<StringAttr>(module, kMetadataAttr).getValue();
  auto value = json::parse(text);
  if (!value)
    refuse("the module's attribute 'braid.metadata' is not JSON: " +
           llvm::toString(value.takeError()));
  if (!value->getAsObject())
    refuse("the module's attribute 'braid.metadata' is not a JSON object");
  return std::move(*value->getAsObject());
}

static json::Object stepOf(ModuleOp module) {
  auto arena = required<DenseI64ArrayAttr>(module, kArenaAttr);
  if (arena.size() != 2)
    refuse("the module's attribute 'braid.arena' has " + Twine(arena.size()) +
           " numbers, expected two");
  auto scratch = required<IntegerAttr>(module, kThreadScratchAttr);
  return json::Object{{"entry", "braid_step"},
                      {"arena_fixed", arena[0]},
                      {"arena_per_row", arena[1]},
                      {"thread_scratch", scratch.getInt()}};
}

std::string braid::writeManifest(ModuleOp module,
                                 const BundleOptions &options) {
  WeightLayout layout;
  for (auto params : module.getOps<ParamsOp>())
    for (auto weight : params.getOps<WeightOp>())
      if (weight.getPacked())
        layout.add(params, weight);
  json::Object manifest = metadataOf(module);
  bool hashed = options.weightsMode == "pack";
  manifest["schema"] = 1;
  manifest["abi"] = BRAID_ABI_VERSION;
  manifest["producer"] = json::Object{{"braid", BRAID_VERSION},
                                      {"llvm", LLVM_VERSION_STRING}};
  manifest["precision"] =
      required<StringAttr>(module, kPrecisionAttr).getValue();
  manifest["target"] =
      json::Object{{"isa", options.target.level},
                   {"triple", "x86_64-unknown-linux-gnu"},
                   {"cpu", options.target.cpu},
                   {"features", json::Array(options.target.required)}};
  manifest["step"] = stepOf(module);
  manifest["kernels"] = writeKernels(module);
  if (!options.deviceCode.empty())
    manifest["gpus"] = writeGPUs(module, options);
  manifest["state"] = json::Object{{"pools", writePools(module)}};
  manifest["weights"] = json::Object{
      {"mode", options.weightsMode},
      {"bytes", layout.end},
      {"count", layout.count},
      {"header_sha256", hashed ? std::string(64, '0') : ""},
      {"source_dir", options.sourceDir},
      {"source_sha256", options.sourceSha256},
      {"entries", std::move(layout.entries)}};
  manifest["tokenizer"] =
      json::Object{{"chat_template", options.chatTemplate},
                   {"add_bos", options.addBos}};
  return llvm::formatv("{0:2}", json::Value(std::move(manifest))).str();
}
