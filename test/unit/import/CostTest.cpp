//===- CostTest.cpp - published models in numbers -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/Cost.h"
#include "TestFiles.h"
#include "braid/Analysis/Machine.h"

using namespace braid;
using namespace braid::test;

namespace {
struct Model {
  const char *name;
  double billions, mtpBillions, activeBillions, decodeGigaflops;
};
} // namespace

/// Within half a unit of the last digit that was published.
static void expectRounds(double value, double published, double digit) {
  EXPECT_NEAR(value, published, 0.51 * digit);
}

TEST(Cost, PublishedParameterTotals) {
  const Model models[] = {{"h-4b", 4.49, 0, 0, 0},
                          {"h-8b", 8.10, 0, 0, 15.3},
                          {"h-47b", 46.79, 0, 0, 92.4},
                          {"h-56b", 56.32, 0, 0, 111.6},
                          {"nano-9b-v2", 8.89, 0, 0, 16.8},
                          {"nano-12b-v2", 12.31, 0, 0, 23.5},
                          {"nano-4b", 3.97, 0, 0, 0},
                          {"nano", 31.58, 0, 3.23, 6.52},
                          {"super", 120.67, 2.94, 12.23, 24.67},
                          {"ultra", 549.31, 11.22, 54.99, 110.5}};
  for (const Model &model : models) {
    SCOPED_TRACE(model.name);
    ModelConfig config = readModelConfig(configPath(model.name));
    ParameterCount count = countParameters(config);
    expectRounds(double(count.total) / 1e9, model.billions, 0.01);
    expectRounds(double(count.mtp) / 1e9, model.mtpBillions, 0.01);
    if (model.activeBillions > 0)
      expectRounds(double(count.active) / 1e9, model.activeBillions, 0.01);
    if (model.decodeGigaflops > 0)
      expectRounds(decodeFlops(config).fixed / 1e9, model.decodeGigaflops, 0.1);
  }
}

TEST(Cost, UltraToTheByte) {
  ModelConfig config = readModelConfig(configPath("ultra"));
  EXPECT_EQ(weightBytes(config, std::nullopt) + draftWeightBytes(config),
            1121049257984);
}

TEST(Cost, StatePerSequence) {
  struct {
    const char *name;
    int64_t ssm, conv, kv;
  } models[] = {{"nano", 46ll << 20, 847872, 6144},
                {"super", 160ll << 20, 2457600, 8192},
                {"ultra", 384ll << 20, 5308416, 12288}};
  for (const auto &model : models) {
    ModelConfig config = readModelConfig(configPath(model.name));
    StateBytes state = stateBytes(config, 2);
    EXPECT_EQ(state.ssm, model.ssm);
    EXPECT_EQ(state.conv, model.conv);
    EXPECT_EQ(state.kvPerToken, model.kv);
    config.ssmCacheDtype = "float16";
    EXPECT_EQ(stateBytes(config, 2).ssm, model.ssm / 2);
  }
}

TEST(Cost, FlopsGrowWithContext) {
  ModelConfig nano = readModelConfig(configPath("nano"));
  EXPECT_EQ(decodeFlops(nano).perContext, 98304);
  EXPECT_EQ(prefillFlops(nano).perContext, 49152);
  EXPECT_NEAR(prefillFlops(nano).fixed / 1e9, 5.83, 0.006);
  ModelConfig super = readModelConfig(configPath("super"));
  EXPECT_NEAR(prefillFlops(super).fixed / 1e9, 23.65, 0.006);
}

TEST(Cost, BytesPerToken) {
  ModelConfig nano = readModelConfig(configPath("nano"));
  EXPECT_NEAR(stepWeightBytes(nano, 1) / 1e9, 6.46, 0.006);
  ModelConfig ultra = readModelConfig(configPath("ultra"));
  EXPECT_NEAR(stepWeightBytes(ultra, 1) / 1e9, 109.97, 0.006);
  // 32 sequences touch 100 of 128 experts.
  ModelConfig one = nano;
  for (LayerConfig &layer : one.layers)
    layer.topK = 100;
  EXPECT_NEAR(stepWeightBytes(nano, 32) / stepWeightBytes(one, 1), 1, 0.005);
}

TEST(Cost, LargestContextFillsMemory) {
  ModelConfig config = readModelConfig(configPath("nano"));
  StateBytes state = stateBytes(config, 2);
  int64_t weights = 1000000;
  for (int64_t batch : {1, 3, 64}) {
    int64_t memory =
        weights + batch * (state.perSequence() + 100 * state.kvPerToken);
    EXPECT_EQ(largestContext(config, state, weights, memory, batch), 100);
    EXPECT_EQ(largestContext(config, state, weights, memory - 1, batch), 99);
  }
  EXPECT_EQ(largestContext(config, state, weights, weights, 1), 0);
  EXPECT_EQ(largestContext(config, state, weights, 0, 1), 0);
  EXPECT_EQ(largestContext(config, state, 0, int64_t(1) << 50, 1), 262144);
}

TEST(Machine, NamesAndPeaks) {
  EXPECT_EQ(parseMachine("h200").bandwidth, 4.8e12);
  Machine custom = parseMachine("bw=3.3TB/s,flops=989T,memory=80GiB");
  EXPECT_EQ(custom.bandwidth, 3.3e12);
  EXPECT_EQ(custom.flops, 989e12);
  EXPECT_EQ(custom.memory, int64_t(80) << 30);
  EXPECT_EQ(parseQuantity("24GiB", "x"), 24.0 * (1 << 30));
  EXPECT_EQ(parseQuantity("1e9", "x"), 1e9);
  for (const char *bad : {"", "h900", "bw=1", "bw=1,flops=", "bw=-1,flops=1",
                          "bw=nan,flops=1", "bw=1e99,flops=1", "bw=1X,flops=1"})
    EXPECT_NE(errorOf([&] { parseMachine(bad); }), "") << bad;
}
