//===- WeightsTest.cpp - weights packed, found and refused ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/weights.h"

#include <cstring>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

namespace fs = std::filesystem;

struct WeightsTest : testing::Test {
  FakeModel model;

  std::vector<float> logits(const EngineOptions &options = {}) {
    auto engine = model.open(options);
    Session session(*engine);
    return logitsOf(session, session.create(), {1, 2, 3}, 3);
  }
  std::string openError() {
    return errorOf([&] { model.open(); });
  }
};

TEST_F(WeightsTest, PackedLayout) {
  std::string file = readFile(model.weights());
  ASSERT_EQ(file.size(), 4544u);
  EXPECT_EQ(file.substr(0, 8), "BRAIDWT1");
  float last, up;
  std::memcpy(&last, &file[4096], 4); // the bias, backwards
  EXPECT_EQ(last, 15.0f / 64);
  std::memcpy(&up, &file[4160 + 192 + 2 * 64 + 4], 4); // layer 1, expert 2
  EXPECT_EQ(up, 3.0f / 8 + 1.0f / 64);
  EXPECT_NO_THROW(
      verifyWeights(Artifact::open(model.artifact()), "", nullptr));
}

TEST_F(WeightsTest, WeightsDirComesFirst) {
  fs::create_directory(model.folder / "other");
  fs::rename(model.weights(), model.folder / "other/model.braid.weights");
  EXPECT_NE(openError().find("its weights are not there; looked for " +
                             model.weights()),
            std::string::npos);
  EngineOptions options;
  options.weightsDir = model.folder / "other";
  EXPECT_FALSE(logits(options).empty());
}

TEST_F(WeightsTest, OthersAreRefused) {
  std::string file = readFile(model.weights());
  writeFile(model.weights(), file.substr(0, file.size() - 1));
  EXPECT_EQ(openError(),
            model.weights() + ": expected 4544 bytes, found 4543");
  std::string changed = file;
  changed[20] ^= 1; // the hash of the data
  writeFile(model.weights(), changed);
  EXPECT_NE(openError().find("does not belong to"), std::string::npos);
}

TEST_F(WeightsTest, VerifyReadsTheData) {
  std::string file = readFile(model.weights());
  file.back() ^= 1;
  writeFile(model.weights(), file);
  EXPECT_NO_THROW(model.open());
  EXPECT_EQ(errorOf([&] {
              verifyWeights(Artifact::open(model.artifact()), "", nullptr);
            }),
            model.weights() + ": its data does not match its hash");
}

TEST_F(WeightsTest, LinkGivesTheSameNumbers) {
  auto packed = logits();
  model.edit("\"pack\"", "\"link\"");
  EXPECT_EQ(logits(), packed);
  fs::rename(model.checkpoint(), model.folder / "moved");
  EXPECT_NE(openError().find("looked for"), std::string::npos);
  EngineOptions options;
  options.weightsDir = model.folder / "moved";
  EXPECT_EQ(logits(options), packed);
}

TEST_F(WeightsTest, CheckpointMustFit) {
  model.edit("\"pack\"", "\"link\"");
  model.edit("\"tensor\": \"bias\"", "\"tensor\": \"beas\"");
  EXPECT_EQ(openError(),
            model.checkpoint() + ": has no tensor beas");
  model.edit("\"tensor\": \"beas\"", "\"tensor\": \"bias\"");
  model.edit("\"shape\": [16]", "\"shape\": [17]");
  EXPECT_EQ(openError(), model.checkpoint() +
                             ": tensor bias: expected F32 [17], found F32 "
                             "[16]");
}

TEST_F(WeightsTest, FailedPackingLeavesNothing) {
  model.edit("\"tensor\": \"bias\"", "\"tensor\": \"beas\"");
  fs::remove(model.weights());
  errorOf([&] {
    preparePacked(Artifact::open(model.artifact()), model.checkpoint(),
                  model.weights(), nullptr);
  });
  fs::path folder = fs::path(model.artifact()).parent_path();
  for (const auto &entry : fs::directory_iterator(folder))
    EXPECT_EQ(entry.path().string().find(".weights"), std::string::npos);
}

TEST_F(WeightsTest, SyntheticFollowsTheSeed) {
  model.edit("\"pack\"", "\"none\"");
  EXPECT_NE(openError().find("without weights"), std::string::npos);
  EngineOptions options;
  options.syntheticSeed = 1;
  auto one = logits(options);
  options.threads = 2;
  EXPECT_EQ(logits(options), one);
  options.syntheticSeed = 2;
  EXPECT_NE(logits(options), one);
}

} // namespace
