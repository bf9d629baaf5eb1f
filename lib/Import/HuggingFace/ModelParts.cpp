//===- ModelParts.cpp - the weights of a layer, by kind -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Import/ModelParts.h"

namespace braid {

using Parts = std::vector<ModelPart>;

static ModelPart linear(const char *name, int64_t out, int64_t in, bool bias) {
  return {ModelPart::Linear, name, {out, in}, bias};
}

static ModelPart tensor(const char *name, std::vector<int64_t> shape) {
  return {ModelPart::Tensor, name, std::move(shape)};
}

static ModelPart experts(const char *name, int64_t out, int64_t in,
                         const LayerConfig &layer) {
  return {ModelPart::Linear, name, {out, in}, false, layer.experts, layer.topK};
}

static void addMamba(Parts &parts, const ModelConfig &c) {
  int64_t inner = c.innerWidth();
  parts.push_back(
      linear("mixer.in_proj", c.inProjRows(), c.hidden, c.projBias));
  parts.push_back(tensor("mixer.conv1d.weight", {c.convWidth(), 1, c.conv}));
  if (c.convBias)
    parts.push_back(tensor("mixer.conv1d.bias", {c.convWidth()}));
  for (const char *name : {"mixer.A_log", "mixer.D", "mixer.dt_bias"})
    parts.push_back(tensor(name, {c.mambaHeads}));
  parts.push_back(tensor("mixer.norm.weight", {inner}));
  parts.push_back(linear("mixer.out_proj", c.hidden, inner, c.projBias));
}

static void addAttention(Parts &parts, const ModelConfig &c) {
  int64_t q = c.heads * c.headDim, kv = c.kvHeads * c.headDim;
  bool bias = c.attentionBias;
  parts.push_back(linear("mixer.q_proj", q, c.hidden, bias));
  parts.push_back(linear("mixer.k_proj", kv, c.hidden, bias));
  parts.push_back(linear("mixer.v_proj", kv, c.hidden, bias));
  parts.push_back(linear("mixer.o_proj", c.hidden, q, bias));
}

static void addMoe(Parts &parts, const ModelConfig &c, const LayerConfig &l) {
  int64_t width = c.expertWidth(), shared = c.sharedIntermediate;
  bool bias = c.mlpBias;
  parts.push_back(tensor("mixer.gate.weight", {l.experts, c.hidden}));
  parts.push_back({ModelPart::TensorF32,
                   "mixer.gate.e_score_correction_bias",
                   {l.experts}});
  if (c.latent)
    parts.push_back(linear("mixer.fc1_latent_proj", c.latent, c.hidden, bias));
  parts.push_back(
      experts("mixer.experts.{E}.up_proj", l.expertIntermediate, width, l));
  parts.push_back(
      experts("mixer.experts.{E}.down_proj", width, l.expertIntermediate, l));
  if (c.latent)
    parts.push_back(linear("mixer.fc2_latent_proj", c.hidden, c.latent, bias));
  if (!shared)
    return;
  parts.push_back(
      linear("mixer.shared_experts.up_proj", shared, c.hidden, bias));
  parts.push_back(
      linear("mixer.shared_experts.down_proj", c.hidden, shared, bias));
}

int64_t ModelPart::parameters() const {
  int64_t product = 1;
  for (int64_t extent : shape)
    product *= extent;
  return product + (bias ? shape[0] : 0);
}

Parts partsOf(const ModelConfig &config, const LayerConfig &layer) {
  Parts parts = {tensor("norm.weight", {config.hidden})};
  switch (layer.kind) {
  case BlockKind::Mamba:
    addMamba(parts, config);
    break;
  case BlockKind::Attention:
    addAttention(parts, config);
    break;
  case BlockKind::Mlp:
    parts.push_back(linear("mixer.up_proj", layer.intermediate, config.hidden,
                           config.mlpBias));
    parts.push_back(linear("mixer.down_proj", config.hidden, layer.intermediate,
                           config.mlpBias));
    break;
  case BlockKind::Moe:
    addMoe(parts, config, layer);
    break;
  }
  return parts;
}

Parts draftPartsOf(const ModelConfig &config, size_t index) {
  Parts parts = partsOf(config, config.mtpLayers[index]);
  if (index == 0) {
    parts.push_back(tensor("enorm.weight", {config.hidden}));
    parts.push_back(tensor("hnorm.weight", {config.hidden}));
    parts.push_back(linear("eh_proj", config.hidden, 2 * config.hidden, false));
  }
  if (index + 1 == config.mtpLayers.size())
    parts.push_back(tensor("final_layernorm.weight", {config.hidden}));
  return parts;
}

Parts outerPartsOf(const ModelConfig &config) {
  // A lookup reads one row; only as the head of a tied model is the table read.
  ModelPart table = tensor("embeddings.weight", {config.vocab, config.hidden});
  table.active = config.tiedEmbeddings ? 1 : 0;
  Parts parts = {table, tensor("norm_f.weight", {config.hidden})};
  if (!config.tiedEmbeddings)
    parts.push_back(linear("lm_head", config.vocab, config.hidden, false));
  return parts;
}

std::string expertName(const std::string &name, int64_t expert) {
  size_t at = name.find("{E}");
  if (at == name.npos)
    return name;
  return name.substr(0, at) + std::to_string(expert) + name.substr(at + 3);
}

} // namespace braid
