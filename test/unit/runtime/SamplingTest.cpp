//===- SamplingTest.cpp - which token is chosen ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/sampling.h"

#include <cmath>
#include <limits>
#include <map>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::map<int32_t, int> draw(SamplingOptions options, std::vector<float> logits,
                            int times = 20000) {
  Sampler sampler(options, int64_t(logits.size()));
  std::map<int32_t, int> counts;
  for (int i = 0; i < times; ++i)
    ++counts[sampler.choose(logits.data(), i)];
  return counts;
}

TEST(Sampling, GreedyTakesTheFirstOfTheLargest) {
  EXPECT_EQ(draw({}, {1, 5, 2, 5}, 1).begin()->first, 1);
  EXPECT_EQ(draw({.temperature = 1, .topK = 1}, {1, 5, 2, 5}, 100).size(), 1u);
  EXPECT_EQ(draw({}, {-kInf, -3}, 1).begin()->first, 1);
}

TEST(Sampling, FollowsTheDistribution) {
  auto counts = draw({.temperature = 1}, {0, std::log(2.0f), std::log(5.0f)});
  EXPECT_NEAR(counts[0] / 20000.0, 1 / 8.0, 0.01);
  EXPECT_NEAR(counts[1] / 20000.0, 2 / 8.0, 0.01);
  EXPECT_NEAR(counts[2] / 20000.0, 5 / 8.0, 0.01);
}

TEST(Sampling, TemperatureSharpens) {
  auto counts = draw({.temperature = 0.5}, {0, std::log(3.0f)});
  EXPECT_NEAR(counts[0] / 20000.0, 0.1, 0.01);
}

TEST(Sampling, TopKAndTopP) {
  std::vector<float> logits = {std::log(4.0f), 0, std::log(3.0f), 0};
  auto two = draw({.temperature = 1, .topK = 2}, logits);
  EXPECT_EQ(two.size(), 2u);
  EXPECT_NEAR(two[2] / 20000.0, 3 / 7.0, 0.015);
  // 4/9 does not reach one half, 7/9 does.
  EXPECT_EQ(draw({.temperature = 1, .topP = 0.5}, logits).size(), 2u);
  EXPECT_EQ(draw({.temperature = 1, .topP = 0.4}, logits).size(), 1u);
  // Of equals the lower id is in.
  auto three = draw({.temperature = 1, .topK = 3}, logits);
  EXPECT_TRUE(three.count(1) && !three.count(3));
}

TEST(Sampling, SeedAndPositionDecide) {
  std::vector<float> logits(16, 0);
  Sampler a({.temperature = 1, .seed = 7}, 16);
  Sampler b({.temperature = 1, .seed = 7}, 16);
  Sampler c({.temperature = 1, .seed = 8}, 16);
  std::vector<int32_t> x, y, z;
  for (int i = 0; i < 50; ++i) {
    x.push_back(a.choose(logits.data(), i));
    z.push_back(c.choose(logits.data(), i));
  }
  for (int i = 49; i >= 0; --i)
    y.insert(y.begin(), b.choose(logits.data(), i));
  EXPECT_EQ(x, y);
  EXPECT_NE(x, z);
}

TEST(Sampling, RefusesWhatIsNoNumber) {
  for (double temperature : {0.0, 1.0}) {
    SamplingOptions options{.temperature = temperature};
    EXPECT_EQ(errorOf([&] { draw(options, {1, NAN, 2}); }),
              "the model computed nan as logit of id 1");
    EXPECT_EQ(errorOf([&] { draw(options, {1, 2, kInf}); }),
              "the model computed inf as logit of id 2");
    EXPECT_EQ(errorOf([&] { draw(options, {-kInf, -kInf}); }),
              "the model computed -inf for every id");
  }
  EXPECT_THROW(Sampler({.temperature = -1}, 4), Error);
  EXPECT_THROW(Sampler({.temperature = NAN}, 4), Error);
  EXPECT_THROW(Sampler({.topP = 0}, 4), Error);
  EXPECT_THROW(Sampler({.topK = -2}, 4), Error);
}

} // namespace
