//===- ModelConfig.cpp - a config.json, read once -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys, aliases and defaults are those of the transformers library's
// `nemotron_h` configuration.
//===----------------------------------------------------------------------===//
#include "braid/Import/ModelConfig.h"
#include "ConfigParts.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace fs = std::filesystem;
using braid::rt::Json;

namespace braid {

namespace {
constexpr Range width{1, 1 << 18};
constexpr Range count{1, 1 << 16};
constexpr const char *family =
    "supported are hybrid Mamba-2 / attention / (latent) MoE models of type "
    "nemotron_h and nemotron_h_puzzle";

Json readFile(const std::string &path) {
  return rt::readJsonFile(path, {.allowNonFinite = true});
}

void checkType(const ConfigReader &reader, ModelConfig &config) {
  config.modelType = reader.string({"model_type"}, "");
  if (config.modelType != "nemotron_h" &&
      config.modelType != "nemotron_h_puzzle")
    reader.fail("model_type", "\"nemotron_h\"",
                config.modelType.empty() ? "none" : show(config.modelType),
                family);
}

/// "torch.bfloat16" and "bfloat16" -> "bfloat16".
std::string dtypeName(const ConfigReader &reader, Keys keys,
                      const char *absent) {
  std::string name = reader.string(keys, absent), key;
  reader.find(keys, &key);
  if (name.rfind("torch.", 0) == 0)
    name.erase(0, 6);
  if (name != "float32" && name != "float16" && name != "bfloat16")
    reader.fail(key, "\"float32\", \"float16\" or \"bfloat16\"", show(name));
  return name;
}

std::string storedDtype(const ConfigReader &reader) {
  std::string name = dtypeName(reader, {"dtype", "torch_dtype"}, "bfloat16");
  return name == "float32" ? "F32" : name == "float16" ? "F16" : "BF16";
}

double inRange(const ConfigReader &reader, Keys keys, double absent,
               double least, double most, const char *expected) {
  double value = reader.number(keys, absent);
  if (!(value >= least && value <= most)) {
    std::string found;
    const Json *entry = reader.find(keys, &found);
    reader.fail(found, expected, show(*entry));
  }
  return value;
}

void readCommon(const ConfigReader &reader, ModelConfig &config) {
  config.dtype = storedDtype(reader);
  config.vocab = reader.integer({"vocab_size"}, 131072, {1, 1 << 24});
  config.hidden = reader.integer({"hidden_size"}, 4096, width);
  config.context =
      reader.integer({"max_position_embeddings"}, 4096, {1, int64_t(1) << 30});
  config.normEps = inRange(reader, {"layer_norm_epsilon"}, 1e-5, 1e-30, 1,
                           "a positive number up to 1");
  config.tiedEmbeddings = reader.boolean({"tie_word_embeddings"}, false);
  if (reader.boolean({"residual_in_fp32"}, false))
    config.unsupported.push_back(
        reader.line("residual_in_fp32", "false", "true"));
}

void readAttention(const ConfigReader &reader, ModelConfig &config) {
  config.heads = reader.integer({"num_attention_heads"}, 32, count);
  config.kvHeads = reader.integer({"num_key_value_heads"}, 8, count);
  config.headDim =
      reader.integer({"head_dim", "attention_head_dim"}, 128, {1, 1 << 14});
  config.attentionBias = reader.boolean({"attention_bias"}, false);
  if (config.heads % config.kvHeads != 0)
    reader.fail("num_key_value_heads",
                "a divisor of num_attention_heads = " +
                    std::to_string(config.heads),
                std::to_string(config.kvHeads));
  if (const Json *window = reader.find({"sliding_window"}))
    config.unsupported.push_back(
        reader.line("sliding_window", "null", show(*window)));
}

void readTimeStepLimit(const ConfigReader &reader, ModelConfig &config) {
  std::string key;
  const Json *limit = reader.find({"time_step_limit", "mamba_dt_limit"}, &key);
  if (!limit)
    return;
  if (!limit->is_array() || limit->size() != 2)
    reader.fail(key, "two numbers", show(*limit));
  config.dtMin = reader.numberOf((*limit)[0], key);
  config.dtMax = reader.numberOf((*limit)[1], key);
  if (config.dtMax >= 1e20)
    config.dtMax = std::numeric_limits<double>::infinity();
  if (!(config.dtMin >= 0 && std::isfinite(config.dtMin) &&
        config.dtMax > config.dtMin))
    reader.fail(key, "two numbers, 0 <= first < second", show(*limit));
}

void readMamba(const ConfigReader &reader, ModelConfig &config) {
  config.mambaHeads = reader.integer({"mamba_num_heads"}, 128, count);
  config.mambaHeadDim = reader.integer({"mamba_head_dim"}, 64, {1, 1 << 14});
  config.groups = reader.integer({"n_groups", "mamba_n_groups"}, 8, count);
  config.state = reader.integer({"ssm_state_size"}, 128, {1, 1 << 14});
  config.conv =
      reader.integer({"conv_kernel", "mamba_d_conv"}, 4, {2, 1 << 10});
  config.chunk =
      reader.integer({"chunk_size", "mamba_chunk_size"}, 128, {1, 1 << 16});
  config.convBias = reader.boolean({"use_conv_bias", "mamba_conv_bias"}, true);
  config.projBias = reader.boolean({"use_bias"}, false);
  config.ssmCacheDtype =
      dtypeName(reader, {"mamba_ssm_cache_dtype"}, "float32");
  readTimeStepLimit(reader, config);
  // Groups divide the heads, and the gated norm divides the inner width.
  if (config.mambaHeads % config.groups != 0)
    reader.fail(
        "n_groups",
        "a divisor of mamba_num_heads = " + std::to_string(config.mambaHeads) +
            " and so of the inner width " + std::to_string(config.innerWidth()),
        std::to_string(config.groups));
  std::string act = reader.string({"mamba_hidden_act"}, "silu");
  if (act != "silu" && act != "swish")
    reader.fail("mamba_hidden_act", "\"silu\"", show(act));
}

void readFeedForward(const ConfigReader &reader, ModelConfig &config) {
  config.mlpBias = reader.boolean({"mlp_bias"}, false);
  std::string act = reader.string({"mlp_hidden_act"}, "relu2");
  if (act != "relu2")
    reader.fail("mlp_hidden_act", "\"relu2\"", show(act));
  int64_t shared = reader.integer({"moe_shared_expert_intermediate_size"}, 7688,
                                  {0, 1 << 22});
  int64_t sharedCount = reader.integer({"n_shared_experts"}, 1, {0, 1 << 10});
  config.sharedIntermediate = sharedCount ? shared : 0;
  if (sharedCount > 1)
    config.unsupported.push_back(
        reader.line("n_shared_experts", "0 or 1", std::to_string(sharedCount)) +
        "; implementations disagree on more");
  config.latent = reader.integer({"moe_latent_size"}, 0, {0, width.most});
  config.routeGroups = reader.integer({"n_group"}, 1, {1, 1 << 14});
  config.routeTopGroups =
      reader.integer({"topk_group"}, 1, {1, config.routeGroups});
  config.normTopK = reader.boolean({"norm_topk_prob"}, true);
  config.routedScale = inRange(reader, {"routed_scaling_factor"}, 1.0, 1e-30,
                               1e6, "a positive number up to 1e6");
}

/// Every size is bounded, yet their product may be absurd; 1e14 parameters keep
/// all later sums far inside 64 bits.
void checkTotalSize(const ConfigReader &reader, const ModelConfig &config) {
  double hidden = double(config.hidden);
  double total = 2.0 * double(config.vocab) * hidden;
  for (const LayerConfig &layer : config.layers) {
    if (layer.kind == BlockKind::Mamba)
      total += hidden * double(config.inProjRows() + config.innerWidth());
    if (layer.kind == BlockKind::Attention)
      total += 2 * hidden * double(config.headDim) *
               double(config.heads + config.kvHeads);
    if (layer.kind == BlockKind::Mlp)
      total += 2 * hidden * double(layer.intermediate);
    if (layer.kind == BlockKind::Moe)
      total += 2 * double(layer.experts) * double(layer.expertIntermediate) *
                   double(config.expertWidth()) +
               2 * hidden * double(config.sharedIntermediate);
  }
  int64_t experts = 0;
  for (const LayerConfig &layer : config.layers)
    experts += layer.experts;
  if (experts > 1 << 20)
    reader.fail("n_routed_experts", "at most 1048576 experts in all layers",
                std::to_string(experts));
  if (total > 1e14)
    throw rt::Error(
        reader.file() +
        ": expected at most 1e14 parameters, found sizes that make " +
        std::to_string(total));
}

/// Keys of released configs that change nothing in inference.
void ignoreKnownKeys(const ConfigReader &reader) {
  reader.ignore({"architectures",
                 "auto_map",
                 "transformers_version",
                 "_name_or_path",
                 "use_cache",
                 "name_or_path",
                 "_commit_hash",
                 "rescale_prenorm_residual",
                 "initializer_range",
                 "moe_shared_expert_overlap",
                 "use_mamba_kernels",
                 "attention_dropout",
                 "hidden_dropout",
                 "num_logits_to_keep",
                 "expand",
                 "rope_theta",
                 "rope_scaling",
                 "rope_parameters",
                 "partial_rotary_factor",
                 "norm_eps",
                 "rms_norm_eps",
                 "time_step_min",
                 "time_step_max",
                 "time_step_floor",
                 "time_step_rank",
                 "hidden_act",
                 "quantization_config",
                 "intermediate_size"});
}

/// One id or a list; null and -1 mean none.
std::vector<int64_t> readIds(const ConfigReader &reader, const char *key,
                             int64_t vocab) {
  std::vector<int64_t> ids;
  const Json *value = reader.find({key});
  if (!value)
    return ids;
  Json list = value->is_array() ? *value : Json::array({*value});
  for (const Json &id : list)
    if (int64_t number = reader.integerOf(id, key, {-1, vocab - 1});
        number >= 0)
      ids.push_back(number);
  return ids;
}

void readTokens(const ConfigReader &reader, ModelConfig &config) {
  for (int64_t id : readIds(reader, "eos_token_id", config.vocab))
    if (std::find(config.eos.begin(), config.eos.end(), id) == config.eos.end())
      config.eos.push_back(id);
  for (auto [key, target] : {std::pair("bos_token_id", &config.bos),
                             std::pair("pad_token_id", &config.pad)})
    if (std::vector<int64_t> ids = readIds(reader, key, config.vocab);
        !ids.empty() && *target < 0)
      *target = ids[0];
}

/// The language model's own object, if the config is one of a multimodal model.
const char *nestedKey(const Json &root) {
  for (const char *key : {"llm_config", "text_config"})
    if (root.is_object() && root.contains(key) && root[key].is_object())
      return key;
  return nullptr;
}

void checkSameAlgorithm(const Json &inConfig, const ConfigReader &beside) {
  std::string expected = inConfig.value("quant_algo", std::string());
  std::string found = beside.string({"quant_algo"}, "");
  if (!expected.empty() && !found.empty() && expected != found)
    beside.fail("quant_algo", show(expected) + " as in config.json",
                show(found));
}

void readQuantisation(const Json &root, const Json &model,
                      const fs::path &directory, ModelConfig &config) {
  const Json *inConfig = nullptr;
  for (const Json *object : {&root, &model})
    if (auto it = object->find("quantization_config");
        it != object->end() && !it->is_null())
      inConfig = &*it;
  if (inConfig)
    readQuantMap(ConfigReader(config.file, *inConfig, "quantization_config."),
                 config);
  fs::path path = directory / "hf_quant_config.json";
  if (!rt::isThere(path))
    return;
  Json beside = readFile(path.string());
  if (!beside.is_object() || !beside.contains("quantization"))
    throw rt::Error(path.string() +
                    ": expected an object 'quantization', found none");
  ConfigReader reader(path.string(), beside["quantization"], "quantization.");
  if (inConfig)
    checkSameAlgorithm(*inConfig, reader);
  else
    readQuantMap(reader, config);
}
} // namespace

/// Whoever names another file of a model learns what is accepted.
static void requireConfig(const std::string &path) {
  fs::path name = path;
  if (name.extension() == ".json")
    return;
  std::string folder = name.has_parent_path() ? name.parent_path() : ".";
  throw rt::Error(
      path +
          ": expected a checkpoint's folder or its config.json (or, to "
          "compile, a dump *.mlir), found " +
          (rt::isThere(path) ? "another file" : "nothing of that name"),
      fs::exists(folder + "/config.json") ? "perhaps its folder: " + folder
                                          : "");
}

ModelConfig readModelConfig(const std::string &path) {
  std::error_code error;
  bool isDirectory = fs::is_directory(path, error);
  if (!isDirectory)
    requireConfig(path);
  fs::path directory =
      isDirectory ? fs::path(path) : fs::path(path).parent_path();
  ModelConfig config;
  config.file = isDirectory ? (directory / "config.json").string() : path;
  Json root = readFile(config.file);
  const char *nested = nestedKey(root);
  const Json &model = nested ? root[nested] : root;
  ConfigReader reader(config.file, model,
                      nested ? std::string(nested) + "." : std::string());
  checkType(reader, config);
  readCommon(reader, config);
  readAttention(reader, config);
  readMamba(reader, config);
  readFeedForward(reader, config);
  readLayers(reader, config);
  checkTotalSize(reader, config);
  readQuantisation(root, model, directory, config);
  if (fs::path generation = directory / "generation_config.json";
      rt::isThere(generation)) {
    Json json = readFile(generation.string());
    readTokens(ConfigReader(generation.string(), json), config);
  }
  readTokens(reader, config);
  ignoreKnownKeys(reader);
  config.unknownKeys = reader.unknown();
  return config;
}

void requireCompilable(const ModelConfig &config) {
  if (!config.unsupported.empty())
    throw rt::Error(config.unsupported.front(),
                    "`braid plan` reads this model; compiling it is not "
                    "supported yet");
}

} // namespace braid
