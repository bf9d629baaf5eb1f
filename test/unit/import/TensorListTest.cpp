//===- TensorListTest.cpp - configs against headers -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Import/TensorList.h"
#include "TestFiles.h"
#include "braid/Import/ModelParts.h"

#include <ctime>
#include <map>
#include <sys/resource.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

using namespace braid;
using namespace braid::test;
using braid::rt::Checkpoint;
using braid::rt::Json;

static TensorCheck check(const std::string &directory) {
  return checkTensors(readModelConfig(directory), Checkpoint::open(directory));
}

TEST(TensorList, EveryFixtureMatches) {
  for (const char *name :
       {"latent-moe", "plain-moe", "dense", "wide", "long", "latent-moe-nvfp4",
        "plain-moe-fp8", "latent-moe-mixed", "storyteller"}) {
    TensorCheck result = check(fixture(name));
    EXPECT_TRUE(result.problems.empty()) << name << result.problems.front();
    EXPECT_EQ(result.usedBytes + result.ignoredBytes,
              Checkpoint::open(fixture(name)).dataBytes());
  }
}

TEST(TensorList, SpellingsAreDetected) {
  TensorCheck stacked = check(fixture("plain-moe"));
  EXPECT_EQ(stacked.names.prefix, "model.");
  EXPECT_TRUE(stacked.names.stackedExperts);
  TensorCheck each = check(fixture("latent-moe"));
  EXPECT_EQ(each.names.layer(7), "backbone.layers.7.");
  EXPECT_FALSE(each.names.stackedExperts);
}

TEST(TensorList, KnownPartsAreIgnoredInOneLine) {
  EXPECT_EQ(check(fixture("latent-moe-mixed")).ignoredLine,
            "ignored: draft layers mtp.* (32 tensors, 120480 bytes), KV cache "
            "scales (6 tensors, 24 bytes), input scales (115 tensors, 460 "
            "bytes)");
}

namespace {
/// A checkpoint of smallConfig whose tensors a test may change.
struct SmallCheckpoint {
  explicit SmallCheckpoint(Json json = smallConfig()) : json(std::move(json)) {
    directory.write("config.json", this->json.dump());
    config = readModelConfig(directory.path.string());
    for (const ExpectedTensor &t : expectedTensors(config, {}))
      tensors[t.name] = {std::string(t.dtypes) == "F32" ? "F32" : "BF16",
                         t.shape};
  }

  std::vector<std::string> problems() {
    write();
    return checkTensors(config, Checkpoint::open(path())).problems;
  }
  std::string problem() {
    std::vector<std::string> lines = problems();
    if (lines.empty())
      return "";
    EXPECT_EQ(lines.size(), 1u);
    return lines[0].substr(lines[0].find(": ") + 2);
  }
  std::string path() { return directory.file("model.safetensors"); }
  void write() {
    std::vector<braid::rt::TensorToWrite> list;
    static const std::string zeros(1 << 20, '\0');
    for (const auto &[name, tensor] : tensors) {
      uint64_t bytes = tensor.first == "F32" ? 4 : 2;
      for (int64_t extent : tensor.second)
        bytes *= uint64_t(extent);
      list.push_back({name, tensor.first, tensor.second, zeros.data(), bytes});
    }
    braid::rt::writeSafetensors(path(), list);
  }
  void rename(const std::string &from, const std::string &to) {
    std::map<std::string, std::pair<std::string, std::vector<int64_t>>> renamed;
    for (const auto &[name, tensor] : tensors)
      renamed[name.rfind(from, 0) == 0 ? to + name.substr(from.size()) : name] =
          tensor;
    tensors = renamed;
  }

  Json json;
  TestDirectory directory;
  ModelConfig config;
  std::map<std::string, std::pair<std::string, std::vector<int64_t>>> tensors;
};
} // namespace

TEST(TensorList, SmallCheckpointMatches) {
  EXPECT_EQ(SmallCheckpoint().problem(), "");
}

TEST(TensorList, MissingSurplusShapeDtype) {
  SmallCheckpoint missing;
  missing.tensors.erase("backbone.layers.0.mixer.D");
  EXPECT_EQ(missing.problem(), "tensor 'backbone.layers.0.mixer.D': expected "
                               "BF16|F16|F32 [8], found none");
  SmallCheckpoint surplus;
  surplus.tensors["backbone.layers.3.mixer.q_norm.weight"] = {"BF16", {16}};
  EXPECT_EQ(surplus.problem(),
            "tensor 'backbone.layers.3.mixer.q_norm.weight': expected none, "
            "since the config does not name such a weight, found BF16 [16]");
  SmallCheckpoint shape;
  shape.tensors["lm_head.weight"].second = {64, 96};
  EXPECT_EQ(shape.problem(), "tensor 'lm_head.weight': expected BF16|F16|F32 "
                             "[96,64], found BF16 [64,96]");
  SmallCheckpoint dtype;
  dtype.tensors["backbone.layers.1.mixer.gate.e_score_correction_bias"].first =
      "BF16";
  EXPECT_EQ(dtype.problem(),
            "tensor 'backbone.layers.1.mixer.gate.e_score_correction_bias': "
            "expected F32 [8], found BF16 [8]");
}

TEST(TensorList, UndeclaredBiasIsRefusedAndDeclaredRequired) {
  SmallCheckpoint undeclared;
  undeclared.tensors["backbone.layers.0.mixer.in_proj.bias"] = {"BF16", {328}};
  EXPECT_NE(undeclared.problem().find("expected none"), std::string::npos);
  Json json = smallConfig();
  for (const char *key : {"use_bias", "mlp_bias", "attention_bias"})
    json[key] = true;
  json["use_conv_bias"] = false;
  SmallCheckpoint declared(json);
  EXPECT_TRUE(declared.tensors.count("backbone.layers.0.mixer.in_proj.bias"));
  EXPECT_TRUE(declared.tensors.count("backbone.layers.3.mixer.o_proj.bias"));
  EXPECT_TRUE(
      declared.tensors.count("backbone.layers.1.mixer.fc1_latent_proj.bias"));
  EXPECT_FALSE(declared.tensors.count("backbone.layers.0.mixer.conv1d.bias"));
  EXPECT_EQ(declared.problem(), "");
}

TEST(TensorList, PrefixesAndAliases) {
  SmallCheckpoint renamed;
  renamed.rename("backbone.embeddings.", "backbone.embedding.");
  renamed.rename("", "language_model.");
  renamed.rename("language_model.backbone.", "language_model.model.");
  renamed.tensors["vision.patch.weight"] = {"BF16", {4}};
  EXPECT_EQ(renamed.problem(), "");
  CheckpointNames names =
      detectNames(renamed.config, Checkpoint::open(renamed.path()));
  EXPECT_EQ(names.prefix, "language_model.model.");
  EXPECT_EQ(names.embedding, "language_model.model.embedding.weight");
  EXPECT_EQ(names.head, "language_model.lm_head");
  SmallCheckpoint other;
  other.rename("backbone.", "transformer.");
  EXPECT_NE(errorOf([&] {
              other.problems();
            }).find("expected tensors 'backbone.layers.0.norm.weight'"),
            std::string::npos);
}

TEST(TensorList, TiedEmbeddings) {
  Json json = smallConfig();
  json["tie_word_embeddings"] = true;
  SmallCheckpoint tied(json);
  EXPECT_FALSE(tied.tensors.count("lm_head.weight"));
  EXPECT_EQ(tied.problem(), "");
  EXPECT_EQ(detectNames(tied.config, Checkpoint::open(tied.path())).head,
            "backbone.embeddings");
}

TEST(TensorList, ManyProblemsAreCounted) {
  SmallCheckpoint bad;
  for (int i = 0; i < 50; ++i)
    bad.tensors["extra." + std::to_string(i)] = {"BF16", {1}};
  std::vector<std::string> lines = bad.problems();
  ASSERT_EQ(lines.size(), maxProblems + 1);
  EXPECT_EQ(lines.back(), "and 30 more tensors that do not match");
  EXPECT_NE(
      hintOf([&] { requireTensors(bad.config, Checkpoint::open(bad.path())); }),
      "");
}

TEST(TensorList, QuantisationMapMustFitTheModel) {
  Json json = smallConfig();
  json["quantization_config"] = {
      {"quant_algo", "MIXED_PRECISION"},
      {"quantized_layers",
       {{"backbone.layers.1.mixer.gate", {{"quant_algo", "FP8"}}}}}};
  EXPECT_EQ(SmallCheckpoint(json).problem(),
            "key 'quantized_layers': expected linear layers of the model, "
            "found 'layers.1.mixer.gate'");
}

TEST(TensorList, GroupsMustFillColumns) {
  Json json = smallConfig();
  json["moe_latent_size"] = 24;
  json["quantization_config"] = {
      {"quant_algo", "MIXED_PRECISION"},
      {"quantized_layers",
       {{"layers.1.mixer.experts.0.up_proj", {{"quant_algo", "NVFP4"}}}}}};
  SmallCheckpoint small(json);
  small.write();
  std::string first = checkTensors(small.config, Checkpoint::open(small.path()))
                          .problems.front();
  EXPECT_NE(first.find("expected columns in groups of 16, found 24"),
            std::string::npos);
}

/// The exact tensor lists of two published checkpoints, as sparse files.
struct Published {
  const char *config, *recipe;
  size_t tensors;
  uint64_t bytes;
};

class PublishedTest : public testing::TestWithParam<Published> {};

TEST_P(PublishedTest, ChecksInSeconds) {
  TestDirectory directory;
  std::string command = std::string(BRAID_PYTHON) + " " + BRAID_TEST_DIR +
                        "/../python/sparse_checkpoint.py " +
                        configPath(GetParam().config) + " --recipe " +
                        GetParam().recipe + " --out " +
                        directory.path.string() + " > /dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::clock_t start = std::clock(); // Others may use the machine, too.
  Checkpoint checkpoint = Checkpoint::open(directory.path.string());
  TensorCheck result =
      checkTensors(readModelConfig(directory.path.string()), checkpoint);
  double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_TRUE(result.problems.empty()) << result.problems.front();
  EXPECT_EQ(checkpoint.tensors().size(), GetParam().tensors);
  EXPECT_EQ(checkpoint.dataBytes(), GetParam().bytes);
#if !__has_feature(address_sanitizer)
  EXPECT_LT(seconds, 5);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 1 << 20); // In KiB.
#endif
}

INSTANTIATE_TEST_SUITE_P(
    TensorList, PublishedTest,
    testing::Values(Published{"nano", "nano-nvfp4", 24147, 19339781632},
                    Published{"super", "super-nvfp4", 165860, 80297329824},
                    Published{"ultra", "plain", 51023, 1121049257984}),
    [](const auto &info) { return std::string(info.param.config); });
