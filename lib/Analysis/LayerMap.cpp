//===- LayerMap.cpp - the layers of a model, drawn short ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/LayerMap.h"

#include <algorithm>

namespace braid {

using Names = std::vector<std::string>;

static constexpr size_t longestUnit = 64;
/// What a run costs beside its unit, where a name costs 1.
static constexpr size_t newRun = 2;
/// With the labels of `braid plan` in front, a line has at most 100 columns.
static constexpr size_t lineWidth = 88;

namespace {
/// How the best way to write some layers begins: with `unit` of them, `times`
/// over. A unit of one, once, is a name.
struct Step {
  size_t cost = 0, unit = 0, times = 0;
  size_t length() const { return unit * times; }
};

/// Finds, from the last layer to the first, the best way to write each sequence
/// of up to `longestUnit` layers, and from these the best way to write them all.
/// Of two ways that cost the same the one with more repetitions or fewer runs.
class Folder {
public:
  explicit Folder(const Names &layers)
      : layers(layers), rest(layers.size() + 1),
        within(layers.size() + 1, std::vector<Step>(1)) {
    std::vector<size_t> matching(longestUnit + 1, 0);
    for (size_t begin = layers.size(); begin-- > 0;) {
      match(begin, matching);
      foldWithin(begin, matching);
      foldRest(begin, matching);
    }
  }

  std::vector<LayerRun> runs() const {
    std::vector<LayerRun> result;
    for (size_t at = 0; at < layers.size(); at += rest[at].length()) {
      auto first = layers.begin() + ptrdiff_t(at);
      result.push_back({{first, first + ptrdiff_t(rest[at].unit)},
                        int64_t(rest[at].times)});
    }
    return result;
  }

  Names lines() const {
    Names result;
    for (size_t at = 0; at < layers.size(); at += rest[at].length()) {
      result.push_back(draw(at, rest[at].unit));
      if (rest[at].times > 1)
        result.back() += "  x " + std::to_string(rest[at].times);
    }
    return result;
  }

private:
  /// `length` layers from `at` on. REQUIRES: length <= longestUnit.
  std::string draw(size_t at, size_t length) const {
    std::string text;
    for (size_t end = at + length; at < end;) {
      Step step = within[at][end - at];
      text += text.empty() ? "" : ", ";
      text += step.times == 1 ? layers[at]
                              : "(" + join(at, step.unit) + ") x " +
                                    std::to_string(step.times);
      at += step.length();
    }
    return text;
  }

  std::string join(size_t at, size_t length) const {
    std::string text = layers[at];
    for (size_t i = 1; i < length; ++i)
      text += ", " + layers[at + i];
    return text;
  }

  /// What it costs to repeat what begins here. A model's parts begin as it does:
  /// M(EM)(EM)* is as short as (ME)(ME)M*, but harder to recognise.
  size_t oddBeginning(size_t begin) const {
    return layers[begin] == layers.front() ? 0 : 3;
  }

  /// What it costs to write so many layers in parentheses: twice what they cost
  /// alone, for the longer they are the harder it is to see what repeats.
  size_t parentheses(size_t begin, size_t unit) const {
    return unit + std::max<size_t>(unit, 2) + oddBeginning(begin);
  }

  size_t longest(size_t begin) const {
    return std::min(longestUnit, layers.size() - begin);
  }

  /// matching[u]: how many layers from `begin` on equal the one u further.
  void match(size_t begin, std::vector<size_t> &matching) const {
    for (size_t unit = 1; unit <= longest(begin); ++unit) {
      bool equal = begin + unit < layers.size() &&
                   layers[begin] == layers[begin + unit];
      matching[unit] = equal ? matching[unit] + 1 : 0;
    }
  }

  void foldWithin(size_t begin, const std::vector<size_t> &matching) {
    within[begin].resize(longest(begin) + 1);
    for (size_t length = 1; length <= longest(begin); ++length) {
      // `within` of the last layer's end holds the empty sequence alone.
      Step best = {1 + within[begin + 1][length - 1].cost, 1, 1};
      for (size_t unit = 1; unit <= length / 2; ++unit) {
        size_t most = std::min(matching[unit] / unit + 1, length / unit);
        for (size_t times = 2; times <= most; ++times) {
          size_t end = unit * times;
          size_t cost = parentheses(begin, unit) +
                        within[begin + end][length - end].cost;
          if (cost <= best.cost)
            best = {cost, unit, times};
        }
      }
      within[begin][length] = best;
    }
  }

  void foldRest(size_t begin, const std::vector<size_t> &matching) {
    Step best = {SIZE_MAX, 0, 0};
    for (size_t unit = 1; unit <= longest(begin); ++unit)
      for (size_t times = matching[unit] / unit + 1; times > 0; --times) {
        size_t cost = within[begin][unit].cost + newRun +
                      rest[begin + unit * times].cost;
        if (times > 1)
          cost += oddBeginning(begin);
        if (cost <= best.cost)
          best = {cost, unit, times};
      }
    rest[begin] = best;
  }

  const Names &layers;
  std::vector<Step> rest;                ///< From a layer to the last.
  std::vector<std::vector<Step>> within; ///< From a layer on, so many.
};
} // namespace

std::vector<LayerRun> foldLayers(const Names &layers) {
  return Folder(layers).runs();
}

Names expandLayers(const std::vector<LayerRun> &runs) {
  Names layers;
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

Names layerNames(const ModelConfig &config) {
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
  Names names;
  for (const LayerConfig &layer : config.layers)
    names.push_back(nameOf(config, layer.kind) +
                    (differing[int(layer.kind)] ? sizesOf(layer) : ""));
  return names;
}

/// Where a line that is too long is cut: behind the last comma that fits, if
/// possible where parentheses open, at least outside of them. npos: nowhere.
static size_t findCut(const std::string &line) {
  size_t inside = std::string::npos, outside = inside, opening = inside;
  int depth = 0;
  for (size_t i = 0; i < std::min(line.size(), lineWidth); ++i) {
    depth += line[i] == '(' ? 1 : line[i] == ')' ? -1 : 0;
    if (line[i] != ',')
      continue;
    (depth ? inside : outside) = i + 1;
    if (line.compare(i, 3, ", (") == 0)
      opening = i + 1;
  }
  for (size_t cut : {opening, outside})
    if (cut != std::string::npos)
      return cut;
  return inside;
}

static void addWrapped(Names &lines, std::string line) {
  size_t cut = std::string::npos;
  while (line.size() > lineWidth &&
         (cut = findCut(line)) != std::string::npos) {
    lines.push_back(line.substr(0, cut));
    line = " " + line.substr(cut); // With the space behind the comma: two.
  }
  lines.push_back(std::move(line));
}

Names drawLayerMap(const ModelConfig &config) {
  Names names = layerNames(config), lines;
  for (std::string &line : Folder(names).lines())
    addWrapped(lines, std::move(line));
  return lines;
}

} // namespace braid
