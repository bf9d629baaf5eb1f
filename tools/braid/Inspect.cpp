//===- Inspect.cpp - braid inspect: what is in an artefact
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include "InspectGPU.h"
#include "braid-rt/artifact.h"
#include "braid-rt/golden.h"
#include "braid-rt/json.h"
#include "braid/Analysis/LayerMap.h"
#include "braid/Target/TargetSpec.h"
#include <map>

using namespace braid;
using rt::Json;

static constexpr const char *kHelp =
    R"(usage: braid inspect [options] MODEL.braid

Says what an artefact is and needs, without loading any of its code: the model
and its layers, the CPU it was compiled for, state and activations in bytes, the
weights by format, its kernels and sections; for each GPU target the driver it
needs, and of each kernel the threads of a block, its shared memory, registers,
local memory, and the occupancy that these leave possible. The strategy is that
of the op's schedule for many rows; kernels named _gemvN are for the few of
decode.

options:
  --json        one JSON object on stdout; keys in docs/Bundle.md
  --manifest    the manifest as it stands in the artefact
  --ptx=TARGET  the PTX of a GPU target or card, e.g. sm_90a or h200
  --kernel=K    with --ptx: that kernel alone
  -h, --help    this text

examples:
  braid inspect nano.braid
  braid inspect nano.braid --json | jq .state.bytes_per_sequence
  braid inspect nano.braid --ptx=sm_90a --kernel=mamba0_in_proj_gemv1
)";

/// A manifest knows the layers' kinds; their names follow from them.
static ModelConfig describedModel(const rt::Manifest &manifest,
                                  const Json &json) {
  ModelConfig config;
  config.latent = json["model"].value("latent", int64_t(0));
  for (char letter : manifest.pattern)
    for (BlockKind kind : {BlockKind::Mamba, BlockKind::Attention,
                           BlockKind::Mlp, BlockKind::Moe})
      if (letter == letterOf(kind))
        config.layers.push_back({kind});
  return config;
}

/// Bytes of one sequence with no tokens yet, and of each of its tokens.
static std::pair<uint64_t, uint64_t> stateBytes(const rt::Manifest &manifest) {
  uint64_t fixed = 0, perToken = 0;
  for (const rt::Pool &pool : manifest.pools) {
    uint64_t bytes = pool.elementBytes;
    bool tokens = false;
    for (int64_t dim : pool.shape) {
      tokens |= dim == rt::Pool::Context;
      bytes *= dim > 0 ? uint64_t(dim) : 1;
    }
    (tokens ? perToken : fixed) += bytes;
  }
  return {fixed, perToken};
}

namespace {
struct FormatSum {
  uint64_t tensors = 0, stored = 0, packed = 0;
};
} // namespace

static std::string formatOf(const rt::WeightEntry &entry) {
  const std::string &dtype = entry.sources[0].dtype;
  if (dtype == "U8")
    return "nvfp4";
  if (dtype == "F8_E4M3")
    return "fp8";
  std::string name;
  for (char c : dtype)
    name += char(tolower(c));
  return name;
}

static std::map<std::string, FormatSum>
weightsByFormat(const rt::Manifest &manifest) {
  std::map<std::string, FormatSum> sums;
  for (const rt::WeightEntry &entry : manifest.weights.entries) {
    FormatSum &sum = sums[formatOf(entry)];
    uint64_t pieces = entry.layers.size() * uint64_t(entry.piecesPerLayer());
    sum.tensors += pieces;
    sum.packed += pieces * entry.bytes;
    for (const rt::WeightSource &source : entry.sources)
      sum.stored += pieces * source.bytes();
  }
  return sums;
}

static const char *nameOf(rt::WeightMode mode) {
  return mode == rt::WeightMode::Pack   ? "pack"
         : mode == rt::WeightMode::Link ? "link"
                                        : "none";
}

static Json toJson(const rt::Artifact &artifact) {
  const rt::Manifest &m = artifact.manifest;
  Json raw = rt::parseJson(artifact.manifestJson, artifact.path);
  auto [fixed, perToken] = stateBytes(m);
  Json layers = Json::array(), formats = Json::object(),
       sections = Json::object(), kernels = Json::array();
  for (const LayerRun &run : foldLayers(layerNames(describedModel(m, raw))))
    layers.push_back({{"unit", run.unit}, {"times", run.times}});
  for (const auto &[name, sum] : weightsByFormat(m))
    formats[name] = {{"tensors", sum.tensors},
                     {"stored_bytes", sum.stored},
                     {"packed_bytes", sum.packed}};
  for (const auto &section : artifact.sections)
    sections[section.name] = section.bytes;
  for (const rt::Kernel &kernel : m.kernels)
    kernels.push_back(kernel.name);
  return {{"schema", 1},
          {"file", artifact.path},
          {"bytes", artifact.bytes},
          {"producer", raw["producer"]},
          {"abi", raw["abi"]},
          {"model", raw["model"]},
          {"layer_map", layers},
          {"precision", m.precision},
          {"target", raw["target"]},
          {"state",
           {{"bytes_per_sequence", fixed},
            {"bytes_per_token", perToken},
            {"pools", raw["state"]["pools"]}}},
          {"arena",
           {{"fixed_bytes", m.arenaFixed},
            {"bytes_per_row", m.arenaPerRow},
            {"bytes_per_thread", m.threadScratch}}},
          {"weights",
           {{"mode", nameOf(m.weights.mode)},
            {"bytes", m.weights.bytes},
            {"header_sha256", m.weights.headerSha256},
            {"source_dir", m.weights.sourceDir},
            {"by_format", formats}}},
          {"kernels", kernels},
          {"gpus", gpusJson(artifact)},
          {"tokenizer",
           {{"bytes", artifact.tokenizerJson.size()},
            {"chat_template", m.chatTemplate},
            {"add_bos", m.addBos}}},
          {"generation", raw["generation"]},
          {"golden_rows",
           artifact.golden.empty()
               ? size_t(0)
               : rt::decodeGolden(artifact.golden, artifact.path).rows.size()},
          {"sections", sections}};
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// 12345678 -> "12345678 bytes (12.3 MB)".
static std::string bytesText(uint64_t bytes) {
  static const char *const units[] = {"kB", "MB", "GB", "TB"};
  std::string text = std::to_string(bytes) + " bytes";
  double value = double(bytes);
  int unit = -1;
  for (; value >= 1000 && unit < 3; ++unit)
    value /= 1000;
  if (unit < 0)
    return text;
  char scaled[32];
  snprintf(scaled, sizeof(scaled), " (%.1f %s)", value, units[unit]);
  return text + scaled;
}

static void line(const char *label, const std::string &text) {
  printf("%-11s%s\n", label, text.c_str());
}

static std::string joined(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

static void printModel(const rt::Artifact &artifact, const Json &raw) {
  const rt::Manifest &m = artifact.manifest;
  line("file", artifact.path + ", " + bytesText(artifact.bytes));
  line("producer", "braid " + m.producerBraid + ", LLVM " + m.producerLlvm +
                       ", ABI " + raw["abi"].dump());
  line("model", m.modelType + ", " + std::to_string(m.layers) +
                    " layers, hidden " + std::to_string(m.hidden) +
                    ", vocabulary " + std::to_string(m.vocabulary) +
                    ", context " + std::to_string(m.context));
  line("", m.pattern);
  const char *label = "layers";
  for (const std::string &run : drawLayerMap(describedModel(m, raw))) {
    line(label, run);
    label = "";
  }
  line("precision", m.precision);
  line("target", m.isa + " (" + m.cpu + ", " + m.triple + ")");
  line("", "needs " + joined(m.features));
}

static void printMemory(const rt::Manifest &m) {
  auto [fixed, perToken] = stateBytes(m);
  line("state", bytesText(fixed) + " per sequence + " + bytesText(perToken) +
                    " per token");
  for (const rt::Pool &pool : m.pools) {
    std::string shape;
    for (int64_t dim : pool.shape)
      shape += (shape.empty() ? "" : " x ") +
               (dim == rt::Pool::Slots     ? std::string("slots")
                : dim == rt::Pool::Context ? std::string("context")
                                           : std::to_string(dim));
    line("", pool.name + ": " + pool.dtype + ", " + shape);
  }
  line("arena", bytesText(m.arenaFixed) + " + " + bytesText(m.arenaPerRow) +
                    " per row of a step");
  line("weights", std::string(nameOf(m.weights.mode)) + ", " +
                      bytesText(m.weights.bytes) + " packed");
  for (const auto &[name, sum] : weightsByFormat(m))
    line("", name + ": " + std::to_string(sum.tensors) + " tensors, stored " +
                 bytesText(sum.stored) + ", packed " + bytesText(sum.packed));
  if (!m.weights.sourceDir.empty())
    line("", "from " + m.weights.sourceDir);
}

/// Kernel names, as many to a line as fit.
static void printKernels(const rt::Manifest &m) {
  std::string text = std::to_string(m.kernels.size()) + ":";
  const char *label = "kernels";
  for (const rt::Kernel &kernel : m.kernels) {
    if (text.size() + kernel.name.size() > 68) {
      line(label, text);
      label = "", text.clear();
    }
    text += (text.empty() ? "" : " ") + kernel.name;
  }
  line(label, text);
}

static void printText(const rt::Artifact &artifact, const Json &raw) {
  const rt::Manifest &m = artifact.manifest;
  std::string stops;
  for (int32_t id : m.eos)
    stops += " " + std::to_string(id);
  line("tokenizer", artifact.tokenizerJson.empty()
                        ? "none"
                        : bytesText(artifact.tokenizerJson.size()) +
                              (m.addBos ? ", <s> in front" : "") +
                              (m.chatTemplate ? ", chat template" : ""));
  line("generation", "stops at" + (stops.empty() ? " nothing" : stops) +
                         ", begins with " + raw["generation"]["bos"].dump());
  size_t rows =
      artifact.golden.empty()
          ? 0
          : rt::decodeGolden(artifact.golden, artifact.path).rows.size();
  line("golden",
       rows ? "logits of " + std::to_string(rows) + " tokens for braid verify"
            : "none");
  const char *label = "sections";
  for (const auto &section : artifact.sections) {
    line(label, section.name + " " + std::to_string(section.bytes));
    label = "";
  }
}

static int inspect(const Arguments &arguments) {
  if (arguments.has("--kernel") && !arguments.has("--ptx"))
    throw UsageError("--kernel: expected --ptx=TARGET too");
  if (arguments.has("--json") + arguments.has("--manifest") +
          arguments.has("--ptx") > 1)
    throw UsageError("expected one of --json, --manifest and --ptx");
  if (arguments.words.size() != 1)
    throw UsageError("expected one artefact, found " +
                         std::to_string(arguments.words.size()),
                     "`braid inspect --help` shows examples");
  rt::Artifact artifact = rt::Artifact::open(arguments.words[0]);
  if (arguments.has("--manifest")) {
    printf("%s\n", artifact.manifestJson.c_str());
    return 0;
  }
  if (arguments.has("--ptx")) {
    GPUTarget gpu = parseGPUTarget("--ptx", arguments.value("--ptx"));
    printf("%s",
           ptxText(artifact, gpu.name, arguments.value("--kernel")).c_str());
    return 0;
  }
  if (arguments.has("--json")) {
    printf("%s\n", toJson(artifact).dump(2).c_str());
    return 0;
  }
  Json raw = rt::parseJson(artifact.manifestJson, artifact.path);
  printModel(artifact, raw);
  printMemory(artifact.manifest);
  printKernels(artifact.manifest);
  printf("%s", gpusText(artifact).c_str());
  printText(artifact, raw);
  return 0;
}

namespace braid {
int inspectMain(int argc, char **argv) {
  return runCommand(argc, argv, kHelp,
                    {"--json", "--manifest", "--ptx=", "--kernel="}, inspect);
}
} // namespace braid
