//===- TestFiles.h - files that tests write and read ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TEST_UNIT_IMPORT_TESTFILES_H
#define BRAID_TEST_UNIT_IMPORT_TESTFILES_H

#include "braid-rt/error.h"
#include "braid-rt/json.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>

namespace braid::test {

/// An empty directory for one test; removed at its end.
class TestDirectory {
public:
  TestDirectory() {
    std::string pattern = testing::TempDir() + "braid-import-XXXXXX";
    path = mkdtemp(pattern.data());
  }
  ~TestDirectory() { std::filesystem::remove_all(path); }

  std::string file(const std::string &name) const {
    return (path / name).string();
  }
  std::string write(const std::string &name, const std::string &text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }
  std::filesystem::path path;
};

inline std::string readText(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Runs `action`, which must throw; its line, or "" if it did not.
inline std::string errorOf(const std::function<void()> &action) {
  try {
    action();
  } catch (const rt::Error &error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return {};
}

inline std::string hintOf(const std::function<void()> &action) {
  try {
    action();
  } catch (const rt::Error &error) {
    return error.hint;
  }
  return {};
}

inline std::string configPath(const std::string &name) {
  return std::string(BRAID_TEST_DIR) + "/configs/" + name + ".json";
}

inline std::string fixture(const std::string &name) {
  return std::string(BRAID_TEST_DIR) + "/fixtures/" + name;
}

/// A small valid config: MEM*E with latent experts, and an MLP.
inline rt::Json smallConfig() {
  return rt::parseJson(R"({
    "model_type": "nemotron_h", "hybrid_override_pattern": "MEM*E-",
    "vocab_size": 96, "hidden_size": 64, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "mamba_num_heads": 8,
    "mamba_head_dim": 16, "n_groups": 2, "ssm_state_size": 16,
    "chunk_size": 16, "n_routed_experts": 8, "num_experts_per_tok": 3,
    "moe_intermediate_size": 48, "moe_shared_expert_intermediate_size": 80,
    "moe_latent_size": 32, "intermediate_size": 128,
    "max_position_embeddings": 4096})",
                       "small");
}

} // namespace braid::test

#endif // BRAID_TEST_UNIT_IMPORT_TESTFILES_H
