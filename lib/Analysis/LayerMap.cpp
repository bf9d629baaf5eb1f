//===- LayerMap.cpp - the layers of a model, drawn short ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/LayerMap.h"

#include <algorithm>

namespace braid {

static constexpr size_t longestUnit = 64;

namespace {
/// The best way to write the layers from some index to the end.
struct Step {
  size_t cost = 0, unit = 0, times = 0;
};
} // namespace

std::vector<LayerRun> foldLayers(const std::vector<std::string> &layers) {
  size_t count = layers.size();
  std::vector<Step> best(count + 1);
  // matching[u]: how many layers from `begin` on equal the one u further.
  std::vector<size_t> matching(longestUnit + 1, 0);
  for (size_t begin = count; begin-- > 0;) {
    best[begin].cost = SIZE_MAX;
    size_t longest = std::min(longestUnit, count - begin);
    for (size_t unit = 1; unit <= longest; ++unit) {
      bool equal =
          begin + unit < count && layers[begin] == layers[begin + unit];
      matching[unit] = equal ? matching[unit] + 1 : 0;
      for (size_t times = matching[unit] / unit + 1; times > 0; --times) {
        size_t cost = unit + 1 + best[begin + unit * times].cost;
        if (cost < best[begin].cost)
          best[begin] = {cost, unit, times};
      }
    }
  }
  std::vector<LayerRun> runs;
  for (size_t at = 0; at < count; at += best[at].unit * best[at].times) {
    auto first = layers.begin() + ptrdiff_t(at);
    runs.push_back(
        {{first, first + ptrdiff_t(best[at].unit)}, int64_t(best[at].times)});
  }
  return runs;
}

std::vector<std::string> expandLayers(const std::vector<LayerRun> &runs) {
  std::vector<std::string> layers;
  for (const LayerRun &run : runs)
    for (int64_t i = 0; i < run.times; ++i)
      layers.insert(layers.end(), run.unit.begin(), run.unit.end());
  return layers;
}

static bool sameSizes(const LayerConfig &a, const LayerConfig &b) {
  return a.intermediate == b.intermediate &&
         a.expertIntermediate == b.expertIntermediate &&
         a.experts == b.experts && a.topK == b.topK;
}

static std::string sizesOf(const LayerConfig &layer) {
  if (layer.kind == BlockKind::Mlp)
    return " (" + std::to_string(layer.intermediate) + ")";
  return " (" + std::to_string(layer.topK) + " of " +
         std::to_string(layer.experts) + " x " +
         std::to_string(layer.expertIntermediate) + ")";
}

static std::string nameOf(const ModelConfig &config, BlockKind kind) {
  switch (kind) {
  case BlockKind::Mamba:
    return "Mamba-2";
  case BlockKind::Attention:
    return "Attention";
  case BlockKind::Mlp:
    return "MLP";
  case BlockKind::Moe:
    return config.latent ? "Latent MoE" : "MoE";
  }
  return {};
}

std::vector<std::string> layerNames(const ModelConfig &config) {
  auto differs = [&](const LayerConfig &layer) {
    return std::any_of(config.layers.begin(), config.layers.end(),
                       [&](const LayerConfig &other) {
                         return other.kind == layer.kind &&
                                !sameSizes(other, layer);
                       });
  };
  bool differing[4] = {};
  for (const LayerConfig &layer : config.layers)
    if (!differing[int(layer.kind)])
      differing[int(layer.kind)] = differs(layer);
  std::vector<std::string> names;
  for (const LayerConfig &layer : config.layers)
    names.push_back(nameOf(config, layer.kind) +
                    (differing[int(layer.kind)] ? sizesOf(layer) : ""));
  return names;
}

std::vector<std::string> drawLayerMap(const ModelConfig &config) {
  std::vector<std::string> lines;
  for (const LayerRun &run : foldLayers(layerNames(config))) {
    std::string line;
    for (const std::string &name : run.unit)
      line += (line.empty() ? "" : ", ") + name;
    if (run.times > 1)
      line += "  x " + std::to_string(run.times);
    lines.push_back(std::move(line));
  }
  return lines;
}

} // namespace braid
