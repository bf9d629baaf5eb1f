//===- LayerMapTest.cpp - folding is lossless -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/LayerMap.h"
#include "TestFiles.h"

#include <chrono>
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

TEST(LayerMap, DrawsTheRepeatedUnit) {
  EXPECT_EQ(drawLayerMap(readModelConfig(fixture("latent-moe"))),
            Names{"Mamba-2, Latent MoE, Mamba-2, Attention, Latent MoE  x 3"});
  EXPECT_EQ(drawLayerMap(readModelConfig(fixture("long"))),
            Names{"Mamba-2, Attention, Mamba-2, MLP"});
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
    std::vector<LayerRun> runs = foldLayers(letters(pattern));
    EXPECT_EQ(expandLayers(runs), letters(pattern));
    size_t cost = 0;
    for (const LayerRun &run : runs)
      cost += run.unit.size() + 1;
    EXPECT_LE(cost, pattern.size() + 1);
  }
}

TEST(LayerMap, ExpandsToPublishedPatterns) {
  for (const char *name : {"h-47b", "nano-9b-v2", "nano", "super", "ultra"}) {
    Names names = layerNames(readModelConfig(configPath(name)));
    std::vector<LayerRun> runs = foldLayers(names);
    EXPECT_EQ(expandLayers(runs), names);
    EXPECT_LT(runs.size(), names.size() / 5);
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
}
