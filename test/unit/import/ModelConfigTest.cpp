//===- ModelConfigTest.cpp - every spelling of a config -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Import/ModelConfig.h"
#include "TestFiles.h"

#include <cmath>
#include <random>

using namespace braid;
using namespace braid::test;
using braid::rt::Json;

static ModelConfig read(const Json &json) {
  TestDirectory directory;
  return readModelConfig(directory.write("config.json", json.dump()));
}

/// smallConfig with changes; a null value removes the key.
static Json
changed(std::initializer_list<std::pair<const char *, Json>> changes) {
  Json json = smallConfig();
  for (const auto &[key, value] : changes)
    json[key] = value;
  return json;
}

static std::string problem(const Json &json) {
  std::string line = errorOf([&] { read(json); });
  size_t at = line.find("config.json: ");
  return at == line.npos ? line : line.substr(at + 13);
}

TEST(ModelConfig, ReadsTheSmallOne) {
  ModelConfig config = read(smallConfig());
  EXPECT_EQ(config.pattern(), "MEM*E-");
  EXPECT_EQ(config.innerWidth(), 128);
  EXPECT_EQ(config.convWidth(), 192);
  EXPECT_EQ(config.inProjRows(), 328);
  EXPECT_EQ(config.layers[1].experts, 8);
  EXPECT_EQ(config.layers[5].intermediate, 128);
  EXPECT_TRUE(std::isinf(config.dtMax));
  EXPECT_TRUE(config.unknownKeys.empty());
  EXPECT_TRUE(config.unsupported.empty());
}

TEST(ModelConfig, LayerVocabularies) {
  Json legacy = {"mamba", "moe", "attention", "mlp"};
  Json modern = {"linear_attention", "moe", "full_attention", "mlp"};
  for (const Json &list : {legacy, modern})
    for (const char *key : {"layers_block_type", "layer_types"})
      EXPECT_EQ(
          read(changed({{"hybrid_override_pattern", nullptr}, {key, list}}))
              .pattern(),
          "ME*-");
  ModelConfig both = read(changed({{"layers_block_type", legacy}}));
  EXPECT_EQ(both.pattern(), "ME*-");
  EXPECT_EQ(both.notes.size(), 1u);
  EXPECT_EQ(read(changed({{"hybrid_override_pattern", nullptr}})).pattern(),
            "ME*-");
}

TEST(ModelConfig, CutsAndDraftsInPatterns) {
  ModelConfig config =
      read(changed({{"hybrid_override_pattern", "M|E|M*/*E/*E"}}));
  EXPECT_EQ(config.pattern(), "MEM*");
  EXPECT_EQ(config.mtpDepth, 2);
  ASSERT_EQ(config.mtpLayers.size(), 2u);
  EXPECT_EQ(config.mtpLayers[1].kind, BlockKind::Moe);
  EXPECT_NE(problem(changed({{"hybrid_override_pattern", "M/*E/E"}}))
                .find("equal parts after '/'"),
            std::string::npos);
  EXPECT_EQ(read(changed({{"num_nextn_predict_layers", 1}})).mtpLayers.size(),
            2u);
  EXPECT_TRUE(
      read(changed({{"mtp_hybrid_override_pattern", "*E"}})).mtpLayers.empty());
}

TEST(ModelConfig, PatternWinsOverCount) {
  ModelConfig config = read(changed({{"num_hidden_layers", 7}}));
  EXPECT_EQ(config.layers.size(), 6u);
  EXPECT_EQ(config.notes.size(), 1u);
}

TEST(ModelConfig, EverySpellingOfInfinity) {
  for (const char *spelling :
       {"[0.0, Infinity]", "[0, \"Infinity\"]", "[0, \"inf\"]",
        "[0, {\"__float__\": \"Infinity\"}]", "[0.0, 1e20]", "[0, 1e30]",
        "null"}) {
    TestDirectory directory;
    std::string text = smallConfig().dump();
    text.back() = ',';
    ModelConfig config = readModelConfig(directory.write(
        "config.json", text + "\"time_step_limit\": " + spelling + "}"));
    EXPECT_EQ(config.dtMin, 0) << spelling;
    EXPECT_TRUE(std::isinf(config.dtMax)) << spelling;
  }
  ModelConfig config = read(changed({{"mamba_dt_limit", {0.001, 0.1}}}));
  EXPECT_EQ(config.dtMin, 0.001);
  EXPECT_EQ(config.dtMax, 0.1);
}

TEST(ModelConfig, Aliases) {
  ModelConfig config = read(changed({{"head_dim", nullptr},
                                     {"attention_head_dim", 32},
                                     {"n_groups", nullptr},
                                     {"mamba_n_groups", 4},
                                     {"mamba_d_conv", 3},
                                     {"mamba_conv_bias", false},
                                     {"chunk_size", nullptr},
                                     {"mamba_chunk_size", 8}}));
  EXPECT_EQ(config.headDim, 32);
  EXPECT_EQ(config.groups, 4);
  EXPECT_EQ(config.conv, 3);
  EXPECT_FALSE(config.convBias);
  EXPECT_EQ(config.chunk, 8);
}

TEST(ModelConfig, ListOfIntermediateSizes) {
  ModelConfig config = read(changed(
      {{"hybrid_override_pattern", "-M-"}, {"intermediate_size", {10, 20}}}));
  EXPECT_EQ(config.layers[0].intermediate, 10);
  EXPECT_EQ(config.layers[2].intermediate, 20);
  EXPECT_EQ(problem(changed({{"hybrid_override_pattern", "---"},
                             {"intermediate_size", {10, 20}}})),
            "key 'intermediate_size': expected one entry for each MLP layer, "
            "at least 3, found 2 entries");
}

TEST(ModelConfig, PuzzleOverridesPerLayer) {
  Json blocks = {{{"block_type", "mamba"}},
                 {{"block_type", "moe"},
                  {"moe_intermediate_size", 16},
                  {"num_experts_per_tok", 1}}};
  ModelConfig config = read(changed({{"model_type", "nemotron_h_puzzle"},
                                     {"hybrid_override_pattern", nullptr},
                                     {"block_configs", blocks}}));
  EXPECT_EQ(config.pattern(), "ME");
  EXPECT_EQ(config.layers[1].expertIntermediate, 16);
  EXPECT_EQ(config.layers[1].topK, 1);
  EXPECT_EQ(config.layers[1].experts, 8);
  blocks[0]["ssm_state_size"] = 96;
  EXPECT_EQ(read(changed({{"block_configs", blocks},
                          {"hybrid_override_pattern", nullptr}}))
                .unsupported.size(),
            1u);
  EXPECT_EQ(problem(changed({{"block_configs", blocks}})),
            "key 'block_configs': expected one entry for each of the 6 layers, "
            "found 2 entries");
}

TEST(ModelConfig, NestedConfigs) {
  for (const char *key : {"llm_config", "text_config"}) {
    Json json = {{"model_type", "NemotronH_Nano_VL_V2"}, {key, smallConfig()}};
    EXPECT_EQ(read(json).pattern(), "MEM*E-");
    json[key]["hidden_size"] = 0;
    EXPECT_NE(problem(json).find(std::string("key '") + key + ".hidden_size'"),
              std::string::npos);
  }
}

TEST(ModelConfig, StopTokensAreAUnion) {
  TestDirectory directory;
  directory.write(
      "config.json",
      changed({{"eos_token_id", 2}, {"bos_token_id", 1}, {"pad_token_id", -1}})
          .dump());
  directory.write("generation_config.json", R"({"eos_token_id": [2, 11]})");
  ModelConfig config = readModelConfig(directory.path.string());
  EXPECT_EQ(config.eos, (std::vector<int64_t>{2, 11}));
  EXPECT_EQ(config.bos, 1);
  EXPECT_EQ(config.pad, -1);
}

TEST(ModelConfig, UnknownKeysAreListed) {
  EXPECT_EQ(read(changed({{"rope_theta", 10000}, {"novelty", 1}})).unknownKeys,
            std::vector<std::string>{"novelty"});
}

TEST(ModelConfig, UnderstoodButNotCompiled) {
  for (auto change : {std::pair<const char *, Json>("residual_in_fp32", true),
                      {"sliding_window", 128},
                      {"n_shared_experts", 2}}) {
    ModelConfig config = read(changed({change}));
    EXPECT_NE(errorOf([&] { requireCompilable(config); }).find(change.first),
              std::string::npos);
  }
}

TEST(ModelConfig, RefusesAbsurdValues) {
  struct Case {
    const char *key;
    Json value;
    const char *line;
  } cases[] = {
      {"model_type", "llama",
       "key 'model_type': expected \"nemotron_h\", found \"llama\""},
      {"hidden_size", -5,
       "key 'hidden_size': expected an integer from 1 to 262144, found -5"},
      {"hidden_size", 0,
       "key 'hidden_size': expected an integer from 1 to 262144, found 0"},
      {"hidden_size", 1e30,
       "key 'hidden_size': expected an integer from 1 to 262144, found 1e+30"},
      {"hidden_size", "64",
       "key 'hidden_size': expected an integer from 1 to 262144, found \"64\""},
      {"vocab_size", 18446744073709551615u,
       "key 'vocab_size': expected an integer from 1 to 16777216, found "
       "18446744073709551615"},
      {"num_key_value_heads", 3,
       "key 'num_key_value_heads': expected a divisor of num_attention_heads = "
       "4, found 3"},
      {"n_groups", 3,
       "key 'n_groups': expected a divisor of mamba_num_heads = 8 and so of "
       "the inner width 128, found 3"},
      {"num_experts_per_tok", 9,
       "key 'num_experts_per_tok': expected at most n_routed_experts = 8, "
       "found 9"},
      {"n_routed_experts", 0,
       "key 'n_routed_experts': expected a positive number, since a layer uses "
       "it, found 0"},
      {"topk_group", 2,
       "key 'topk_group': expected an integer from 1 to 1, found 2"},
      {"n_group", 3,
       "key 'n_group': expected a divisor of n_routed_experts = 8 that leaves "
       "two or more experts in a group, found 3"},
      {"n_group", 4,
       "key 'topk_group': expected groups that hold num_experts_per_tok = 3 "
       "experts or more, found 1 groups with 2 experts"},
      {"mlp_hidden_act", "silu",
       "key 'mlp_hidden_act': expected \"relu2\", found \"silu\""},
      {"mamba_hidden_act", "gelu",
       "key 'mamba_hidden_act': expected \"silu\", found \"gelu\""},
      {"hybrid_override_pattern", "MEX",
       "key 'hybrid_override_pattern': expected the letters M (Mamba-2), * "
       "(attention), - (MLP) and E (experts), found \"X\" at position 2"},
      {"hybrid_override_pattern", "",
       "key 'hybrid_override_pattern': expected 1 to 4096 layers, found 0"},
      {"hybrid_override_pattern", 5,
       "key 'hybrid_override_pattern': expected a string, found 5"},
      {"layers_block_type",
       {"mamba", "rnn"},
       "key 'layers_block_type[1]': expected mamba, linear_attention, "
       "attention, full_attention, mlp or moe, found \"rnn\""},
      {"layer_norm_epsilon", "NaN",
       "key 'layer_norm_epsilon': expected a number, found \"NaN\""},
      {"layer_norm_epsilon", -1,
       "key 'layer_norm_epsilon': expected a positive number up to 1, found "
       "-1"},
      {"routed_scaling_factor", "Infinity",
       "key 'routed_scaling_factor': expected a positive number up to 1e6, "
       "found \"Infinity\""},
      {"torch_dtype", "int8",
       "key 'torch_dtype': expected \"float32\", \"float16\" or \"bfloat16\", "
       "found \"int8\""},
      {"time_step_limit",
       {1, 0},
       "key 'time_step_limit': expected two numbers, 0 <= first < second, "
       "found [1,0]"},
      {"time_step_limit",
       {0},
       "key 'time_step_limit': expected two numbers, found [0]"},
      {"use_bias", 1, "key 'use_bias': expected true or false, found 1"},
      {"mamba_ssm_cache_dtype", "int8",
       "key 'mamba_ssm_cache_dtype': expected \"float32\", \"float16\" or "
       "\"bfloat16\", found \"int8\""},
      {"eos_token_id", 96,
       "key 'eos_token_id': expected an integer from -1 to 95, found 96"},
      {"conv_kernel", 0,
       "key 'conv_kernel': expected an integer from 2 to 1024, found 0"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(problem(changed({{c.key, c.value}})), c.line);
}

TEST(ModelConfig, RefusesAbsurdTotals) {
  EXPECT_NE(problem(changed({{"n_routed_experts", 16384},
                             {"moe_intermediate_size", 4194304},
                             {"moe_latent_size", 262144},
                             {"hidden_size", 262144}}))
                .find("at most 1e14 parameters"),
            std::string::npos);
  EXPECT_NE(
      problem(changed({{"hybrid_override_pattern", std::string(4096, 'E')},
                       {"n_routed_experts", 16384},
                       {"moe_intermediate_size", 1}}))
          .find("at most 1048576 experts"),
      std::string::npos);
}

TEST(ModelConfig, MissingFilesAndTypes) {
  TestDirectory directory;
  EXPECT_NE(errorOf([&] {
              readModelConfig(directory.path.string());
            }).find("config.json: cannot be opened"),
            std::string::npos);
  EXPECT_NE(problem(Json::array()).find("expected a JSON object"),
            std::string::npos);
  EXPECT_NE(problem(Json::object())
                .find("key 'model_type': expected \"nemotron_h\", found none"),
            std::string::npos);
}

TEST(ModelConfig, SurvivesMutations) {
  std::string good = readText(fixture("latent-moe-mixed") + "/config.json");
  std::mt19937 random(1);
  TestDirectory directory;
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    for (int change = 0; change < 2; ++change)
      bad[random() % bad.size()] = " 0-9\"{}[],:eEn"[random() % 14];
    std::string path = directory.write("config.json", bad);
    errorOf([&] { readModelConfig(path); });
  }
}
