//===- LayerMapTest.cpp - folding is lossless -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/LayerMap.h"
#include "TestFiles.h"

#include <chrono>
#include <filesystem>
#include <random>

using namespace braid;
using namespace braid::test;

using Names = std::vector<std::string>;

static Names letters(const std::string &pattern) {
  Names names;
  for (char letter : pattern)
    names.emplace_back(1, letter);
  return names;
}

namespace {
/// Reads what drawLayerMap writes.
class MapReader {
public:
  static Names read(const Names &lines) {
    Names layers;
    std::string whole;
    for (const std::string &line : lines) {
      if (line.starts_with("  ")) {
        whole += line.substr(1);
        continue;
      }
      add(layers, whole);
      whole = line;
    }
    add(layers, whole);
    return layers;
  }

private:
  static void add(Names &layers, const std::string &line) {
    if (line.empty())
      return;
    size_t mark = line.find("  x ");
    MapReader reader{line.substr(0, mark)};
    int64_t times = mark == std::string::npos ? 1 : std::stoll(line.substr(mark + 4));
    repeat(layers, reader.unit(), times);
    EXPECT_EQ(reader.at, reader.text.size());
  }
  static void repeat(Names &to, const Names &unit, int64_t times) {
    for (int64_t i = 0; i < times; ++i)
      to.insert(to.end(), unit.begin(), unit.end());
  }
  explicit MapReader(std::string text) : text(std::move(text)) {}

  /// item {", " item}
  Names unit() {
    Names layers;
    do
      text[at] == '(' ? group(layers) : layers.push_back(name());
    while (skip(", "));
    return layers;
  }
  /// "(" unit ") x " number
  void group(Names &layers) {
    ++at;
    Names inside = unit();
    ASSERT_TRUE(skip(") x "));
    size_t digits = 0;
    repeat(layers, inside, std::stoll(text.substr(at), &digits));
    at += digits;
  }
  /// Up to a comma or a parenthesis that it does not open.
  std::string name() {
    size_t begin = at;
    for (int depth = 0; at < text.size() && text[at] != ','; ++at) {
      depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
      if (depth < 0)
        break;
    }
    return text.substr(begin, at - begin);
  }
  bool skip(const std::string &token) {
    bool found = text.compare(at, token.size(), token) == 0;
    at += found ? token.size() : 0;
    return found;
  }

  std::string text;
  size_t at = 0;
};
} // namespace

/// A model with these layers.
static ModelConfig modelOf(const std::string &pattern) {
  ModelConfig config;
  for (char letter : pattern) {
    LayerConfig layer;
    layer.kind = letter == 'M'   ? BlockKind::Mamba
                 : letter == '*' ? BlockKind::Attention
                 : letter == '-' ? BlockKind::Mlp
                                 : BlockKind::Moe;
    config.layers.push_back(layer);
  }
  return config;
}

static Names allConfigs() {
  Names names;
  for (auto &entry : std::filesystem::directory_iterator(
           std::filesystem::path(configPath("nano")).parent_path()))
    names.push_back(entry.path().stem());
  return names;
}

TEST(LayerMap, DrawsTheRepeatedUnit) {
  EXPECT_EQ(drawLayerMap(readModelConfig(fixture("latent-moe"))),
            Names{"Mamba-2, Latent MoE, Mamba-2, Attention, Latent MoE  x 3"});
  EXPECT_EQ(drawLayerMap(readModelConfig(fixture("long"))),
            Names{"Mamba-2, Attention, Mamba-2, MLP"});
}

TEST(LayerMap, DrawsRepetitionsWithinTheUnit) {
  EXPECT_EQ(drawLayerMap(readModelConfig(configPath("super"))),
            (Names{"(Mamba-2, Latent MoE) x 3, Mamba-2, Attention, Latent MoE  x 3",
                   "(Mamba-2, Latent MoE) x 4, Mamba-2, Attention, Latent MoE  x 4",
                   "(Mamba-2, Latent MoE) x 3, Mamba-2, Attention, Latent MoE, (Mamba-2, Latent MoE) x 4"}));
  EXPECT_EQ(drawLayerMap(readModelConfig(configPath("ultra"))),
            (Names{"(Mamba-2, Latent MoE) x 3, Mamba-2, Attention, Latent MoE,",
                   "  (Mamba-2, Latent MoE) x 2, Mamba-2, Attention, Latent MoE,",
                   "  (Mamba-2, Latent MoE) x 3, Mamba-2, Attention, Latent MoE  x 4",
                   "Mamba-2, Latent MoE  x 4"}));
  EXPECT_EQ(drawLayerMap(modelOf("MMM-MMM-*MMM-MMM-*")),
            Names{"(Mamba-2, Mamba-2, Mamba-2, MLP) x 2, Attention  x 2"});
}

TEST(LayerMap, ExpandsToRandomPatterns) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string unit, pattern;
    while (pattern.size() < 1 + random() % 120) {
      if (unit.empty() || random() % 3 == 0) {
        unit.clear();
        for (size_t i = 1 + random() % 6; i > 0; --i)
          unit += "M*-E"[random() % 4];
      }
      pattern += unit;
    }
    EXPECT_EQ(expandLayers(foldLayers(letters(pattern))), letters(pattern));
    ModelConfig config = modelOf(pattern);
    EXPECT_EQ(MapReader::read(drawLayerMap(config)), layerNames(config))
        << pattern;
  }
}

TEST(LayerMap, ExpandsToPublishedPatterns) {
  EXPECT_GE(allConfigs().size(), 11u);
  for (const std::string &name : allConfigs()) {
    ModelConfig config = readModelConfig(configPath(name));
    Names names = layerNames(config), lines = drawLayerMap(config);
    EXPECT_EQ(expandLayers(foldLayers(names)), names) << name;
    EXPECT_EQ(MapReader::read(lines), names) << name;
    EXPECT_LE(lines.size(), 9u) << name;
    for (const std::string &line : lines)
      EXPECT_LE(line.size(), 89u) << name << ": " << line;
  }
}

TEST(LayerMap, EmptyAndLong) {
  EXPECT_TRUE(foldLayers({}).empty());
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(foldLayers(Names(4096, "M")).size(), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(LayerMap, DifferingSizesAreDifferentLayers) {
  ModelConfig config = readModelConfig(fixture("latent-moe"));
  config.layers[1].topK = 2;
  Names names = layerNames(config);
  EXPECT_EQ(names[0], "Mamba-2");
  EXPECT_EQ(names[1], "Latent MoE (2 of 8 x 48)");
  EXPECT_EQ(names[4], "Latent MoE (3 of 8 x 48)");
  EXPECT_EQ(MapReader::read(drawLayerMap(config)), names);
}
