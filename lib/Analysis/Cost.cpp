//===- Cost.cpp - parameters, bytes and FLOPs of a model ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/Cost.h"
#include "braid/Import/ModelParts.h"

#include <algorithm>
#include <cmath>

namespace braid {

/// Calls visit(part, module) for every part of the body; `module` is its
/// canonical name, with "{E}" for the expert.
template <typename Visitor>
static void forEachPart(const ModelConfig &config, Visitor visit) {
  for (const ModelPart &part : outerPartsOf(config))
    visit(part, part.name);
  for (size_t i = 0; i < config.layers.size(); ++i) {
    std::string prefix = "layers." + std::to_string(i) + ".";
    for (const ModelPart &part : partsOf(config, config.layers[i]))
      visit(part, prefix + part.name);
  }
}

template <typename Visitor>
static void forEachDraftPart(const ModelConfig &config, Visitor visit) {
  for (size_t i = 0; i < config.mtpLayers.size(); ++i)
    for (const ModelPart &part : draftPartsOf(config, i))
      visit(part, "mtp.layers." + std::to_string(i) + "." + part.name);
}

ParameterCount countParameters(const ModelConfig &config) {
  ParameterCount count;
  forEachPart(config, [&](const ModelPart &part, const std::string &) {
    count.total += part.copies * part.parameters();
    count.active += part.active * part.parameters();
  });
  forEachDraftPart(config, [&](const ModelPart &part, const std::string &) {
    count.mtp += part.copies * part.parameters();
  });
  return count;
}

static int64_t plainElementBytes(const ModelConfig &config) {
  return config.dtype == "F32" ? 4 : 2;
}

/// Bytes of a weight [n, k] with its scales.
static int64_t formatBytes(WeightFormat format, int64_t n, int64_t k,
                           int64_t plain) {
  constexpr int64_t scalar = 4; // F32
  switch (format) {
  case WeightFormat::Plain:
    return n * k * plain;
  case WeightFormat::FP8:
    return n * k + 2 * scalar; // weight_scale, input_scale
  case WeightFormat::NVFP4:
    return n * (k / 2) + n * (k / 16) + 2 * scalar; // ..._scale_2, input_scale
  case WeightFormat::FP8PerChannel:
    return n * k + n * scalar;
  case WeightFormat::FP8Block128:
    return n * k + (n + 127) / 128 * ((k + 127) / 128) * scalar;
  case WeightFormat::MXFP8:
    return n * k + n * (k / 32);
  }
  return 0;
}

/// Of one copy, with its bias.
static int64_t partBytes(const ModelConfig &config, const ModelPart &part,
                         WeightFormat format) {
  int64_t plain = plainElementBytes(config);
  if (part.kind == ModelPart::TensorF32)
    return part.parameters() * 4;
  if (part.kind == ModelPart::Tensor)
    return part.parameters() * plain;
  return formatBytes(format, part.shape[0], part.shape[1], plain) +
         (part.bias ? part.shape[0] * plain : 0);
}

/// Bytes of all copies as stored; experts may differ from each other.
static int64_t storedBytes(const ModelConfig &config, const ModelPart &part,
                           const std::string &module) {
  if (part.kind != ModelPart::Linear || config.quant.empty())
    return part.copies * partBytes(config, part, WeightFormat::Plain);
  int64_t bytes = 0;
  for (int64_t e = 0; e < part.copies; ++e)
    bytes += partBytes(config, part, config.formatOf(expertName(module, e)));
  return bytes;
}

int64_t weightBytes(const ModelConfig &config,
                    std::optional<WeightFormat> format) {
  int64_t bytes = 0;
  forEachPart(config, [&](const ModelPart &part, const std::string &module) {
    bool inBlock = module.rfind("layers.", 0) == 0;
    bytes += format ? part.copies *
                          partBytes(config, part,
                                    inBlock ? *format : WeightFormat::Plain)
                    : storedBytes(config, part, module);
  });
  return bytes;
}

int64_t weightBytesPlain(const ModelConfig &config, int64_t elementBytes) {
  int64_t bytes = 0;
  forEachPart(config, [&](const ModelPart &part, const std::string &) {
    bool full = part.kind == ModelPart::TensorF32;
    bytes += part.copies * part.parameters() * (full ? 4 : elementBytes);
  });
  return bytes;
}

int64_t draftWeightBytes(const ModelConfig &config) {
  int64_t bytes = 0;
  forEachDraftPart(config,
                   [&](const ModelPart &part, const std::string &module) {
                     bytes += storedBytes(config, part, module);
                   });
  return bytes;
}

StateBytes stateBytes(const ModelConfig &config, int64_t elementBytes) {
  int64_t ssmElement = config.ssmCacheDtype == "float32" ? 4 : 2;
  StateBytes bytes;
  for (const LayerConfig &layer : config.layers) {
    if (layer.kind == BlockKind::Mamba) {
      bytes.ssm += config.innerWidth() * config.state * ssmElement;
      bytes.conv += config.convWidth() * (config.conv - 1) * elementBytes;
    }
    if (layer.kind == BlockKind::Attention)
      bytes.kvPerToken += 2 * config.kvHeads * config.headDim * elementBytes;
  }
  return bytes;
}

/// Projections and convolution; the scan differs between decode and prefill.
static double mambaProjectionFlops(const ModelConfig &c) {
  double hidden = double(c.hidden), inner = double(c.innerWidth());
  return 2 * hidden * double(c.inProjRows()) + 2 * inner * hidden +
         2 * double(c.conv) * double(c.convWidth());
}

static double attentionProjectionFlops(const ModelConfig &c) {
  return 2 * double(c.hidden) * double(c.headDim) *
         double(2 * c.heads + 2 * c.kvHeads);
}

static double moeFlops(const ModelConfig &c, const LayerConfig &l) {
  double hidden = double(c.hidden);
  double routed = 4 * double(l.topK) * double(l.expertIntermediate) *
                  double(c.expertWidth());
  return 2 * double(l.experts) * hidden + routed +
         4 * double(c.sharedIntermediate) * hidden +
         4 * hidden * double(c.latent);
}

/// `scan`: FLOPs of one Mamba layer's scan; `attended`: share of the context
/// that a token attends to.
static TokenFlops layerFlops(const ModelConfig &c, double scan,
                             double attended) {
  TokenFlops flops;
  for (const LayerConfig &layer : c.layers)
    switch (layer.kind) {
    case BlockKind::Mamba:
      flops.fixed += mambaProjectionFlops(c) + scan;
      break;
    case BlockKind::Attention:
      flops.fixed += attentionProjectionFlops(c);
      flops.perContext += 4 * double(c.heads * c.headDim) * attended;
      break;
    case BlockKind::Mlp:
      flops.fixed += 4 * double(c.hidden) * double(layer.intermediate);
      break;
    case BlockKind::Moe:
      flops.fixed += moeFlops(c, layer);
      break;
    }
  return flops;
}

TokenFlops decodeFlops(const ModelConfig &config) {
  double scan = 5 * double(config.innerWidth()) * double(config.state);
  TokenFlops flops = layerFlops(config, scan, 1);
  flops.fixed += 2 * double(config.vocab) * double(config.hidden);
  return flops;
}

TokenFlops prefillFlops(const ModelConfig &config) {
  double chunk = double(config.chunk), inner = double(config.innerWidth());
  double state = double(config.state);
  double scan = 2 * chunk * state * double(config.groups) + 2 * chunk * inner +
                4 * inner * state;
  return layerFlops(config, scan, 0.5);
}

/// Expected number of distinct experts that `batch` independent choices of k
/// out of E touch.
static double distinctExperts(const ModelPart &part, int64_t batch) {
  double experts = double(part.copies), k = double(part.active);
  return experts * (1 - std::pow(1 - k / experts, double(batch)));
}

double stepWeightBytes(const ModelConfig &config, int64_t batch) {
  double bytes = 0;
  forEachPart(config, [&](const ModelPart &part, const std::string &module) {
    if (part.active == 0)
      return;
    double stored = double(storedBytes(config, part, module));
    double share = part.copies == 1
                       ? 1.0
                       : distinctExperts(part, batch) / double(part.copies);
    bytes += stored * share;
  });
  return bytes;
}

double stepBytes(const ModelConfig &config, const StateBytes &state,
                 int64_t batch, int64_t context) {
  double perSequence = 2 * double(state.perSequence()) +
                       double(state.kvPerToken) * double(context);
  return stepWeightBytes(config, batch) + double(batch) * perSequence;
}

int64_t largestContext(const ModelConfig &config, const StateBytes &state,
                       int64_t weights, int64_t memory, int64_t batch) {
  int64_t left = memory - weights;
  if (left < 0 || left / batch < state.perSequence())
    return 0;
  int64_t perSequence = left / batch - state.perSequence();
  if (state.kvPerToken == 0)
    return config.context;
  return std::min(config.context, perSequence / state.kvPerToken);
}

} // namespace braid
