//===- QuantMapTest.cpp - formats of linear layers ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "braid/Import/ModelConfig.h"

using namespace braid;
using namespace braid::test;
using braid::rt::Json;

static ModelConfig withQuant(const Json &quant) {
  TestDirectory directory;
  Json json = smallConfig();
  json["quantization_config"] = quant;
  return readModelConfig(directory.write("config.json", json.dump()));
}

static std::string problem(const Json &quant) {
  std::string line = errorOf([&] { withQuant(quant); });
  size_t at = line.find("config.json: ");
  return at == line.npos ? line : line.substr(at + 13);
}

TEST(QuantMap, NothingMeansPlain) {
  EXPECT_EQ(withQuant(nullptr).formatOf("backbone.layers.0.mixer.in_proj"),
            WeightFormat::Plain);
}

TEST(QuantMap, ExclusionsByNameParentAndGlob) {
  ModelConfig config =
      withQuant({{"quant_algo", "NVFP4"},
                 {"group_size", 16},
                 {"exclude_modules",
                  {"lm_head", "backbone.layers.3.mixer", "*.shared_experts.*",
                   "model.layers.2.mixer.in_proj"}}});
  EXPECT_EQ(config.formatOf("backbone.layers.0.mixer.in_proj"),
            WeightFormat::NVFP4);
  EXPECT_EQ(config.formatOf("model.layers.0.mixer.in_proj"),
            WeightFormat::NVFP4);
  EXPECT_EQ(config.formatOf("language_model.backbone.layers.2.mixer.in_proj"),
            WeightFormat::Plain);
  EXPECT_EQ(config.formatOf("lm_head"), WeightFormat::Plain);
  EXPECT_EQ(config.formatOf("backbone.layers.3.mixer.q_proj"),
            WeightFormat::Plain);
  EXPECT_EQ(config.formatOf("backbone.layers.30.mixer.q_proj"),
            WeightFormat::NVFP4);
  EXPECT_EQ(config.formatOf("backbone.layers.1.mixer.shared_experts.up_proj"),
            WeightFormat::Plain);
  EXPECT_EQ(config.formatOf("backbone.layers.1.mixer.experts.3.up_proj"),
            WeightFormat::NVFP4);
}

TEST(QuantMap, MixedNamesEveryModule) {
  ModelConfig config =
      withQuant({{"quant_algo", "MIXED_PRECISION"},
                 {"kv_cache_scheme", {{"num_bits", 8}}},
                 {"quantized_layers",
                  {{"backbone.layers.0.mixer.in_proj", {{"quant_algo", "FP8"}}},
                   {"backbone.layers.1.mixer.experts.0.up_proj",
                    {{"quant_algo", "NVFP4"}, {"group_size", 16}}}}}});
  EXPECT_EQ(config.formatOf("backbone.layers.0.mixer.in_proj"),
            WeightFormat::FP8);
  EXPECT_EQ(config.formatOf("backbone.layers.1.mixer.experts.0.up_proj"),
            WeightFormat::NVFP4);
  EXPECT_EQ(config.formatOf("backbone.layers.1.mixer.experts.1.up_proj"),
            WeightFormat::Plain);
  EXPECT_TRUE(config.quant.kvFp8);
}

TEST(QuantMap, RefusesByName) {
  EXPECT_EQ(problem({{"quant_algo", "INT3"}}),
            "key 'quantization_config.quant_algo': expected FP8, NVFP4, "
            "W4A16_NVFP4 or MIXED_PRECISION, found \"INT3\"");
  EXPECT_EQ(problem({{"quant_method", "gptq"}}),
            "key 'quantization_config.quant_method': expected \"modelopt\", "
            "found \"gptq\"");
  EXPECT_EQ(problem({{"quant_algo", "NVFP4"}, {"group_size", 32}}),
            "key 'quantization_config.group_size': expected an integer from 16 "
            "to 16, found 32");
  EXPECT_EQ(problem({{"quant_algo", "MIXED_PRECISION"}}),
            "key 'quantization_config.quantized_layers': expected an object of "
            "modules, found none");
  EXPECT_EQ(problem({{"quant_algo", "MIXED_PRECISION"},
                     {"quantized_layers", {{"m", {{"quant_algo", "X"}}}}}}),
            "key 'quantization_config.quantized_layers.m.quant_algo': expected "
            "FP8, NVFP4, W4A16_NVFP4 or MIXED_PRECISION, found \"X\"");
  EXPECT_EQ(problem({{"quant_algo", "FP8"}, {"ignore", {"re:.*"}}}),
            "key 'quantization_config.ignore': expected module names, with * "
            "for any characters, found \"re:.*\"");
}

TEST(QuantMap, PlannedButNotCompiled) {
  for (const char *algorithm :
       {"FP8_PER_CHANNEL_PER_TOKEN", "FP8_PB_WO", "MXFP8"}) {
    ModelConfig config = withQuant({{"quant_algo", algorithm}});
    EXPECT_NE(errorOf([&] { requireCompilable(config); }).find(algorithm),
              std::string::npos);
  }
  EXPECT_EQ(withQuant({{"quant_algo", "W4A16_NVFP4"}}).unsupported.size(), 0u);
  EXPECT_EQ(withQuant({{"quant_algo", "NVFP4"}, {"nvfp4_embed", true}})
                .unsupported.size(),
            1u);
}

TEST(QuantMap, FileBesideTheConfig) {
  TestDirectory directory;
  Json json = smallConfig();
  directory.write("config.json", json.dump());
  directory.write(
      "hf_quant_config.json",
      R"({"quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head"]}})");
  ModelConfig config = readModelConfig(directory.path.string());
  EXPECT_EQ(config.formatOf("backbone.layers.0.mixer.in_proj"),
            WeightFormat::FP8);
  json["quantization_config"] = {{"quant_algo", "NVFP4"}};
  directory.write("config.json", json.dump());
  EXPECT_NE(errorOf([&] {
              readModelConfig(directory.path.string());
            }).find("expected \"NVFP4\" as in config.json, found \"FP8\""),
            std::string::npos);
}
