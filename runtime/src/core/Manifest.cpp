//===- Manifest.cpp - what an artefact says of itself ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/manifest.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"
#include "braid-rt/json.h"

#include <algorithm>
#include <cctype>
#include <limits>

namespace braid::rt {
namespace {

constexpr int64_t kSchema = 1;
/// No file, arena or pool of a real model comes near (48-bit addresses).
constexpr int64_t kMaxBytes = int64_t(1) << 46;
constexpr int64_t kMaxCount = int64_t(1) << 31;
/// Bytes of shared memory; no GPU's block can have as much.
constexpr int64_t kMaxShared = int64_t(1) << 18;

/// A value of the manifest together with where it stands, for messages.
class Node {
public:
  Node(const Json &json, std::string where)
      : json(json), where(std::move(where)) {}

  [[noreturn]] void fail(const std::string &expected) const {
    throw Error(where + ": expected " + expected + ", found " + shown());
  }
  Node operator[](const char *key) const {
    const Json *found = find(key);
    if (!found)
      throw Error(where + ": missing key \"" + key + "\"");
    return Node(*found, where + "." + key);
  }
  bool has(const char *key) const {
    const Json *found = find(key);
    return found && !found->is_null();
  }
  int64_t integer(int64_t lo, int64_t hi) const {
    bool tooLarge = json.is_number_unsigned() &&
                    json.get<uint64_t>() > uint64_t(INT64_MAX);
    if (!json.is_number_integer() || tooLarge || json.get<int64_t>() < lo ||
        json.get<int64_t>() > hi)
      fail("an integer from " + std::to_string(lo) + " to " +
           std::to_string(hi));
    return json.get<int64_t>();
  }
  uint64_t size() const { return uint64_t(integer(0, kMaxBytes)); }
  std::string text() const {
    if (!json.is_string())
      fail("a string");
    return json.get<std::string>();
  }
  std::string textOr(const char *key) const {
    return has(key) ? (*this)[key].text() : std::string();
  }
  bool flag(const char *key) const {
    if (!has(key))
      return false;
    Node node = (*this)[key];
    if (!node.json.is_boolean())
      node.fail("true or false");
    return node.json.get<bool>();
  }
  std::vector<Node> list() const {
    if (!json.is_array())
      fail("a list");
    std::vector<Node> nodes;
    for (const Json &element : json)
      nodes.emplace_back(element,
                         where + "[" + std::to_string(nodes.size()) + "]");
    return nodes;
  }
  bool isText() const { return json.is_string(); }

private:
  const Json *find(const char *key) const {
    if (!json.is_object())
      fail("an object");
    auto it = json.find(key);
    return it == json.end() ? nullptr : &*it;
  }
  std::string shown() const {
    std::string text = json.dump();
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
  }

  const Json &json;
  std::string where;
};

uint64_t dtypeBytes(const std::string &dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64")
    return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32")
    return 4;
  if (dtype == "BF16" || dtype == "F16" || dtype == "I16" || dtype == "U16")
    return 2;
  if (dtype == "F8_E4M3" || dtype == "F8_E5M2" || dtype == "F8_E8M0" ||
      dtype == "I8" || dtype == "U8" || dtype == "BOOL")
    return 1;
  return 0;
}

void checkVersions(const Node &root, const std::string &name) {
  int64_t abi = root["abi"].integer(0, kMaxCount);
  if (abi != BRAID_ABI_VERSION)
    throw Error(name + ": was made for ABI " + std::to_string(abi) +
                    ", this runtime speaks ABI " +
                    std::to_string(BRAID_ABI_VERSION),
                "compile the model again with the braid of this runtime");
  int64_t schema = root["schema"].integer(0, kMaxCount);
  if (schema != kSchema)
    throw Error(name + ": manifest schema " + std::to_string(schema) +
                    ", this runtime reads schema " + std::to_string(kSchema),
                "compile the model again with the braid of this runtime");
}

void readModel(const Node &node, Manifest &m) {
  m.modelType = node["type"].text();
  m.layers = node["layers"].integer(1, 1 << 20);
  m.pattern = node.textOr("pattern");
  m.hidden = node["hidden"].integer(1, 1 << 24);
  m.vocabulary = node["vocabulary"].integer(1, 1 << 28);
  m.context = node["context"].integer(1, 1 << 30);
}

void readTarget(const Node &node, Manifest &m) {
  m.isa = node.textOr("isa");
  m.triple = node.textOr("triple");
  m.cpu = node.textOr("cpu");
  for (const Node &feature : node["features"].list())
    m.features.push_back(feature.text());
}

void readStep(const Node &node, Manifest &m) {
  m.stepEntry = node["entry"].text();
  m.arenaFixed = node["arena_fixed"].size();
  m.arenaPerRow = node["arena_per_row"].size();
  m.threadScratch = node["thread_scratch"].size();
}

/// The slot's index must come before the token's: what a sequence has written
/// is then a few contiguous runs.
Pool readPool(const Node &node) {
  Pool pool;
  pool.name = node["name"].text();
  pool.dtype = node["dtype"].text();
  pool.elementBytes = uint64_t(node["element_bytes"].integer(1, 64));
  bool slots = false, context = false;
  for (const Node &dim : node["shape"].list()) {
    std::string symbol = dim.isText() ? dim.text() : "";
    if (symbol == "layers")
      pool.shape.push_back(node["layers"].integer(1, 1 << 20));
    else if (symbol == "slots" && !slots && !context)
      slots = true, pool.shape.push_back(Pool::Slots);
    else if (symbol == "context" && slots && !context)
      context = true, pool.shape.push_back(Pool::Context);
    else if (dim.isText())
      dim.fail("\"layers\", \"slots\" or, after it, \"context\"");
    else
      pool.shape.push_back(dim.integer(1, kMaxCount));
  }
  if (!slots)
    node["shape"].fail("a shape with \"slots\"");
  return pool;
}

WeightSource readSource(const Node &node, int64_t experts) {
  WeightSource source;
  source.suffix = node["suffix"].text();
  source.dtype = node["dtype"].text();
  source.init = node.textOr("init");
  source.stacked = node.flag("stacked");
  if (!dtypeBytes(source.dtype))
    node["dtype"].fail("a dtype of safetensors");
  if (source.stacked && experts == 0)
    node["stacked"].fail("false, as the entry has no experts");
  uint64_t bytes = dtypeBytes(source.dtype);
  for (const Node &dim : node["shape"].list()) {
    source.shape.push_back(dim.integer(1, kMaxCount));
    if (__builtin_mul_overflow(bytes, uint64_t(source.shape.back()), &bytes) ||
        bytes > uint64_t(kMaxBytes))
      node["shape"].fail("a shape of at most 2^46 bytes");
  }
  return source;
}

/// Throws unless every piece of the entry lies aligned behind the header and
/// before the end of the file.
void checkPlacement(const Node &node, const WeightEntry &e, uint64_t fileEnd) {
  if (e.offset % BRAID_ALIGNMENT || e.offset < 4096)
    node["offset"].fail("a multiple of 64 behind the header of 4096 bytes");
  if (e.layerStride % BRAID_ALIGNMENT)
    node["layer_stride"].fail("a multiple of 64");
  if (e.expertStride % BRAID_ALIGNMENT)
    node["expert_stride"].fail("a multiple of 64");
  unsigned __int128 last =
      (unsigned __int128)e.layerStride * (e.layers.size() - 1) +
      (unsigned __int128)e.expertStride * uint64_t(e.piecesPerLayer() - 1) +
      e.offset + e.bytes;
  if (last > fileEnd)
    node["offset"].fail("pieces that end within weights.bytes");
}

WeightEntry readEntry(const Node &node, uint64_t fileEnd) {
  WeightEntry e;
  e.name = node["name"].text();
  e.tensor = node["tensor"].text();
  for (const Node &layer : node["layers"].list())
    e.layers.push_back(layer.integer(-1, 1 << 20));
  if (e.layers.empty())
    node["layers"].fail("at least one layer");
  e.experts = node["experts"].integer(0, 1 << 20);
  e.table = node["table"].integer(0, kMaxCount);
  e.offset = node["offset"].size();
  e.layerStride = node["layer_stride"].size();
  e.expertStride = node["expert_stride"].size();
  e.bytes = uint64_t(node["bytes"].integer(1, kMaxBytes));
  e.prepare = node["prepare"].text();
  for (const Node &source : node["sources"].list())
    e.sources.push_back(readSource(source, e.experts));
  if (e.sources.empty())
    node["sources"].fail("at least one source");
  checkPlacement(node, e, fileEnd);
  return e;
}

WeightMode readMode(const Node &node) {
  std::string mode = node.text();
  if (mode == "pack")
    return WeightMode::Pack;
  if (mode == "link")
    return WeightMode::Link;
  if (mode != "none")
    node.fail("\"pack\", \"link\" or \"none\"");
  return WeightMode::None;
}

/// Every entry of the step's table must have exactly one owner.
void checkTable(const Node &node, const WeightPlan &plan) {
  std::vector<bool> owned(size_t(plan.count), false);
  for (const WeightEntry &e : plan.entries)
    for (size_t j = 0; j < e.layers.size(); ++j) {
      uint64_t index = uint64_t(e.table) + j;
      if (index >= owned.size() || owned[index])
        node["entries"].fail("each of the " + std::to_string(plan.count) +
                             " table entries once, but " + e.name +
                             " claims entry " + std::to_string(index));
      owned[index] = true;
    }
  for (size_t i = 0; i < owned.size(); ++i)
    if (!owned[i])
      node["entries"].fail("an owner of table entry " + std::to_string(i));
}

void readWeights(const Node &node, WeightPlan &plan) {
  plan.mode = readMode(node["mode"]);
  plan.bytes = node["bytes"].size();
  plan.count = node["count"].integer(0, 1 << 24);
  plan.headerSha256 = node.textOr("header_sha256");
  plan.sourceDir = node.textOr("source_dir");
  plan.sourceSha256 = node.textOr("source_sha256");
  if (plan.mode == WeightMode::Pack && plan.headerSha256.size() != 64)
    node["header_sha256"].fail("64 hex digits");
  for (const Node &entry : node["entries"].list())
    plan.entries.push_back(readEntry(entry, plan.bytes));
  checkTable(node, plan);
}

Kernel readKernel(const Node &node) {
  auto count = [&](const char *key) {
    return node.has(key) ? node[key].integer(0, kMaxBytes) : 0;
  };
  Kernel kernel{node["name"].text(), node.textOr("op")};
  kernel.calls = count("calls");
  kernel.flops = count("flops");
  kernel.weightBytes = count("weight_bytes");
  kernel.expertBytes = count("expert_bytes");
  kernel.experts = count("experts");
  kernel.choices = count("choices");
  kernel.rowBytes = count("row_bytes");
  kernel.sequenceBytes = count("sequence_bytes");
  kernel.contextBytes = count("context_bytes");
  kernel.contextFlops = count("context_flops");
  kernel.outputs = node.flag("outputs");
  return kernel;
}

/// The functions that abi.h promises have names that follow from the target's.
std::string readFunction(const Node &node, const std::string &prefix) {
  std::string name = node.text();
  if (!name.starts_with(prefix))
    node.fail("a name that begins with \"" + prefix + "\"");
  return name;
}

/// Where a kernel's machine code stands: [offset, bytes].
void readCubin(const Node &node, GpuKernel &kernel) {
  std::vector<Node> place = node.list();
  if (place.size() != 2)
    node.fail("an offset and a length");
  kernel.cubinOffset = place[0].size();
  kernel.cubinBytes = uint64_t(place[1].integer(1, kMaxBytes));
}

GpuKernel readGpuKernel(const Node &node, const std::string &target,
                        size_t kernels, bool assembled) {
  auto count = [&](const char *key, int64_t most) {
    return node.has(key) ? node[key].integer(0, most) : 0;
  };
  GpuKernel kernel;
  kernel.name = node["name"].text();
  kernel.op = node.textOr("op");
  kernel.strategy = node.textOr("strategy");
  if (node.has("sim"))
    kernel.sim = readFunction(node["sim"], "sim_" + target + "_");
  kernel.kernel = node["kernel"].integer(0, int64_t(kernels) - 1);
  kernel.threads = node["threads"].integer(1, 1024);
  kernel.sharedBytes = uint64_t(node["shared_bytes"].integer(0, kMaxShared));
  if (assembled)
    readCubin(node["cubin_at"], kernel);
  kernel.registers = count("registers", 255);
  kernel.stackBytes = count("stack_bytes", kMaxCount);
  kernel.spillBytes = count("spill_bytes", kMaxCount);
  return kernel;
}

/// The target's name is part of section names and symbols.
std::string readTargetName(const Node &node) {
  std::string name = node.text();
  bool plain = name.starts_with("sm_") && name.size() <= 16 &&
               std::all_of(name.begin() + 3, name.end(),
                           [](unsigned char c) { return std::isalnum(c); });
  if (!plain)
    node.fail("a target such as \"sm_90a\"");
  return name;
}

GpuCode readGpu(const Node &node, size_t kernels) {
  GpuCode gpu;
  gpu.target = readTargetName(node["target"]);
  gpu.entry = readFunction(node["entry"], "braid_step_" + gpu.target);
  gpu.ptxVersion = node["ptx_version"].text();
  gpu.ptxas = node.textOr("ptxas");
  gpu.exact = node.flag("exact");
  gpu.cubin = node.flag("cubin");
  for (const Node &kernel : node["kernels"].list())
    gpu.kernels.push_back(
        readGpuKernel(kernel, gpu.target, kernels, gpu.cubin));
  return gpu;
}

void readGpus(const Node &node, Manifest &m) {
  for (const Node &entry : node.list()) {
    GpuCode gpu = readGpu(entry, m.kernels.size());
    for (const GpuCode &other : m.gpus)
      if (other.target == gpu.target)
        entry["target"].fail("each target once");
    m.gpus.push_back(std::move(gpu));
  }
}

int32_t idOr(const Node &node, const char *key, int64_t vocabulary) {
  return node.has(key) ? int32_t(node[key].integer(-1, vocabulary - 1)) : -1;
}

} // namespace

uint64_t WeightSource::elements() const {
  uint64_t count = 1;
  for (int64_t dim : shape)
    count *= uint64_t(dim);
  return count;
}

uint64_t WeightSource::bytes() const { return elements() * dtypeBytes(dtype); }

uint64_t WeightEntry::pieceOffset(int64_t layerIndex, int64_t expert) const {
  return offset + uint64_t(layerIndex) * layerStride +
         uint64_t(expert) * expertStride;
}

std::string WeightEntry::sourceName(const WeightSource &source,
                                    int64_t layerIndex, int64_t expert) const {
  std::string text = tensor + source.suffix;
  auto replace = [&](const char *symbol, int64_t value) {
    for (size_t at; (at = text.find(symbol)) != std::string::npos;)
      text.replace(at, 3, std::to_string(value));
  };
  replace("{L}", layers[size_t(layerIndex)]);
  replace("{E}", expert);
  return text;
}

Manifest parseManifest(std::string_view json, const std::string &name) {
  Json parsed = parseJson(json, name + ": manifest");
  Node root(parsed, name + ": manifest");
  checkVersions(root, name);
  Manifest m;
  m.producerBraid = root["producer"].textOr("braid");
  m.producerLlvm = root["producer"].textOr("llvm");
  readModel(root["model"], m);
  m.precision = root["precision"].text();
  readTarget(root["target"], m);
  readStep(root["step"], m);
  for (const Node &kernel : root["kernels"].list())
    m.kernels.push_back(readKernel(kernel));
  if (root.has("gpus"))
    readGpus(root["gpus"], m);
  for (const Node &pool : root["state"]["pools"].list())
    m.pools.push_back(readPool(pool));
  readWeights(root["weights"], m.weights);
  Node generation = root["generation"];
  m.bos = idOr(generation, "bos", m.vocabulary);
  m.pad = idOr(generation, "pad", m.vocabulary);
  if (generation.has("eos"))
    for (const Node &id : generation["eos"].list())
      m.eos.push_back(int32_t(id.integer(0, m.vocabulary - 1)));
  m.chatTemplate = root["tokenizer"].flag("chat_template");
  m.addBos = root["tokenizer"].flag("add_bos");
  return m;
}

} // namespace braid::rt
