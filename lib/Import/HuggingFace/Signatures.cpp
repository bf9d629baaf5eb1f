//===- Signatures.cpp - layers grouped by kind, shapes and storage
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Signatures.h"
#include "braid-rt/checkpoint.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace braid;

namespace {

/// Lists the weights of one layer, with their storage in the checkpoint.
class WeightLister {
public:
  WeightLister(const ModelConfig &config, const CheckpointNames &names,
               const rt::Checkpoint *checkpoint)
      : config(config), names(names), checkpoint(checkpoint) {}

  std::vector<WeightSpec> layer(int64_t index);
  std::vector<WeightSpec> model();

private:
  void mamba();
  void attention();
  void mlp(const LayerConfig &layer);
  void moe(const LayerConfig &layer);

  /// A linear layer's weight [N, K], plain or quantised; `bias` adds its bias.
  void linear(const std::string &name, const std::string &module, int64_t n,
              int64_t k, bool bias = false);
  void experts(const std::string &name, const std::string &module, int64_t e,
               int64_t n, int64_t k);
  void plain(const std::string &name, const std::string &tensor,
             std::vector<int64_t> shape, const std::string &init,
             const std::string &transform = "");
  StorageKind storageOf(const std::string &tensor) const;

  /// The template's name in this layer's checkpoint.
  std::string actual(std::string source) const;
  static std::string uniform(int64_t k) {
    return llvm::formatv("uniform:{0:f6}", std::sqrt(3.0 / double(k))).str();
  }

  const ModelConfig &config;
  const CheckpointNames &names;
  const rt::Checkpoint *checkpoint;
  int64_t index = 0;
  std::string prefix; ///< "backbone.layers.{L}." or ""
  std::vector<WeightSpec> specs;
};

} // namespace

static void replace(std::string &text, const std::string &from,
                    const std::string &to) {
  size_t at = text.find(from);
  if (at != std::string::npos)
    text.replace(at, from.size(), to);
}

std::string WeightLister::actual(std::string source) const {
  replace(source, "{L}", std::to_string(index));
  replace(source, "{E}", "0");
  return source;
}

StorageKind WeightLister::storageOf(const std::string &tensor) const {
  const rt::TensorInfo *info =
      checkpoint ? checkpoint->find(actual(tensor)) : nullptr;
  if (!info) // A config alone.
    return llvm::StringRef(tensor).ends_with("e_score_correction_bias")
               ? StorageKind::F32
               : StorageKind::BF16;
  if (info->dtype == "F32")
    return StorageKind::F32;
  return info->dtype == "F16" ? StorageKind::F16 : StorageKind::BF16;
}

void WeightLister::plain(const std::string &name, const std::string &tensor,
                         std::vector<int64_t> shape, const std::string &init,
                         const std::string &transform) {
  std::string source = prefix + tensor;
  specs.push_back({name, source, std::move(shape), storageOf(source), false,
                   transform, init});
}

static StorageKind quantised(WeightFormat format) {
  return format == WeightFormat::FP8 ? StorageKind::FP8 : StorageKind::NVFP4;
}

void WeightLister::linear(const std::string &name, const std::string &module,
                          int64_t n, int64_t k, bool bias) {
  std::string source = prefix + module;
  WeightFormat format = config.formatOf(actual(source));
  if (format == WeightFormat::Plain)
    plain(name, module + ".weight", {n, k}, uniform(k));
  else
    specs.push_back(
        {name, source, {n, k}, quantised(format), false, "", uniform(k)});
  if (bias)
    plain(name + "_bias", module + ".bias", {n}, "uniform:0.02");
}

void WeightLister::experts(const std::string &name, const std::string &module,
                           int64_t e, int64_t n, int64_t k) {
  if (names.stackedExperts) {
    std::string source = prefix + "mixer.experts." + module;
    specs.push_back(
        {name, source, {e, n, k}, storageOf(source), true, "", uniform(k)});
    return;
  }
  linear(name, "mixer.experts.{E}." + module, n, k);
  specs.back().shape.insert(specs.back().shape.begin(), e);
}

void WeightLister::mamba() {
  const ModelConfig &c = config;
  int64_t inner = c.innerWidth(), conv = c.convWidth(), heads = c.mambaHeads;
  linear("in_proj", "mixer.in_proj", c.inProjRows(), c.hidden, c.projBias);
  plain("conv", "mixer.conv1d.weight", {c.conv, conv}, uniform(c.conv),
        "transpose");
  if (c.convBias)
    plain("conv_bias", "mixer.conv1d.bias", {conv}, "uniform:0.1");
  plain("A", "mixer.A_log", {heads}, "log_uniform:1:16", "neg_exp");
  plain("D", "mixer.D", {heads}, "ones");
  plain("dt_bias", "mixer.dt_bias", {heads}, "uniform:1.0");
  plain("gated_norm", "mixer.norm.weight", {inner}, "ones");
  linear("out_proj", "mixer.out_proj", c.hidden, inner, c.projBias);
}

void WeightLister::attention() {
  const ModelConfig &c = config;
  int64_t q = c.heads * c.headDim, kv = c.kvHeads * c.headDim;
  linear("q_proj", "mixer.q_proj", q, c.hidden, c.attentionBias);
  linear("k_proj", "mixer.k_proj", kv, c.hidden, c.attentionBias);
  linear("v_proj", "mixer.v_proj", kv, c.hidden, c.attentionBias);
  linear("o_proj", "mixer.o_proj", c.hidden, q, c.attentionBias);
}

void WeightLister::mlp(const LayerConfig &layer) {
  linear("up", "mixer.up_proj", layer.intermediate, config.hidden,
         config.mlpBias);
  linear("down", "mixer.down_proj", config.hidden, layer.intermediate,
         config.mlpBias);
}

void WeightLister::moe(const LayerConfig &layer) {
  const ModelConfig &c = config;
  int64_t e = layer.experts, i = layer.expertIntermediate, x = c.expertWidth();
  plain("gate", "mixer.gate.weight", {e, c.hidden}, uniform(c.hidden));
  plain("correction_bias", "mixer.gate.e_score_correction_bias", {e}, "uniform:0.1");
  if (c.latent) {
    linear("fc1", "mixer.fc1_latent_proj", x, c.hidden, c.mlpBias);
    linear("fc2", "mixer.fc2_latent_proj", c.hidden, x, c.mlpBias);
  }
  experts("up", "up_proj", e, i, x);
  experts("down", "down_proj", e, x, i);
  if (c.sharedIntermediate) {
    linear("shared_up", "mixer.shared_experts.up_proj", c.sharedIntermediate,
           c.hidden, c.mlpBias);
    linear("shared_down", "mixer.shared_experts.down_proj", c.hidden,
           c.sharedIntermediate, c.mlpBias);
  }
}

std::vector<WeightSpec> WeightLister::layer(int64_t number) {
  index = number;
  prefix = names.prefix + "layers.{L}.";
  specs.clear();
  const LayerConfig &layer = config.layers[number];
  plain("norm", "norm.weight", {config.hidden}, "ones");
  switch (layer.kind) {
  case BlockKind::Mamba:
    mamba();
    break;
  case BlockKind::Attention:
    attention();
    break;
  case BlockKind::Mlp:
    mlp(layer);
    break;
  case BlockKind::Moe:
    moe(layer);
    break;
  }
  return std::move(specs);
}

std::vector<WeightSpec> WeightLister::model() {
  specs.clear();
  prefix.clear();
  plain("embedding", names.embedding, {config.vocab, config.hidden},
        "uniform:1.0");
  plain("norm_f", names.finalNorm, {config.hidden}, "ones");
  linear("lm_head", names.head, config.vocab, config.hidden);
  return std::move(specs);
}

static const char *kindName(BlockKind kind) {
  switch (kind) {
  case BlockKind::Mamba:
    return "mamba";
  case BlockKind::Attention:
    return "attention";
  case BlockKind::Mlp:
    return "mlp";
  case BlockKind::Moe:
    return "moe";
  }
  llvm_unreachable("all kinds named");
}

Signatures braid::groupLayers(const ModelConfig &config,
                              const CheckpointNames &names,
                              const rt::Checkpoint *checkpoint) {
  WeightLister lister(config, names, checkpoint);
  Signatures result;
  result.model = lister.model();
  std::map<BlockKind, int64_t> ofKind, signaturesOfKind;
  for (int64_t l = 0; l < int64_t(config.layers.size()); ++l) {
    const LayerConfig &layer = config.layers[l];
    std::vector<WeightSpec> weights = lister.layer(l);
    auto same = [&](const Signature &s) {
      return s.layer.kind == layer.kind && s.layer.topK == layer.topK &&
             s.weights == weights;
    };
    auto found = llvm::find_if(result.blocks, same);
    if (found == result.blocks.end()) {
      std::string name =
          kindName(layer.kind) + std::to_string(signaturesOfKind[layer.kind]++);
      result.blocks.push_back({name, layer, std::move(weights), {}});
      found = result.blocks.end() - 1;
    }
    result.places.push_back({size_t(found - result.blocks.begin()),
                             int64_t(found->layers.size()),
                             ofKind[layer.kind]++});
    found->layers.push_back(l);
  }
  return result;
}
