//===- PlanTest.cpp - braid plan as its user sees it ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestFiles.h"
#include "StepKernels.h"

#include <chrono>

using namespace braid::test;
using braid::rt::Json;
namespace rt = braid::rt;

namespace braid {
int planMain(int argc, char **argv);

/// Kernels that the tests can reckon with, in the place of a compiler's.
struct FewKernels : GPUCode {
  std::vector<KernelWork> kernelsOf(const StepShape &shape) override {
    double rows = double(shape.rows);
    return {{"few_blocks", "packed_contract", "", 10, 33, 1e9, 2e6 * rows},
            {"products", "packed_contract", "mma", 20, 264, 1e9, 1e9 * rows}};
  }
};

std::unique_ptr<GPUCode> compileForGPU(const std::string &,
                                       const std::string &, bool) {
  return std::make_unique<FewKernels>();
}
} // namespace braid

namespace {
struct Outcome {
  int code;
  std::string out, err;
};
} // namespace

static Outcome plan(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "plan");
  std::vector<char *> argv;
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int code = braid::planMain(int(argv.size()), argv.data());
  std::string out = testing::internal::GetCapturedStdout();
  return {code, out, testing::internal::GetCapturedStderr()};
}

TEST(Plan, JsonHasTheDocumentedKeys) {
  Outcome outcome = plan(
      {configPath("super"), "--json", "--machine=h200", "--memory=300GiB"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  Json json = rt::parseJson(outcome.out, "stdout");
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["parameters"]["total"], 120668707840);
  EXPECT_EQ(json["state"]["bytes_per_sequence"], (160ll << 20) + 2457600);
  EXPECT_EQ(json["kv"]["bytes_per_token"], 8192);
  EXPECT_EQ(json["machines"].size(), 1u);
  EXPECT_EQ(json["memory"]["contexts"][0]["context"], 262144);
  EXPECT_FALSE(json["weights"]["exact"]);
  std::string documentation =
      readText(std::string(BRAID_TEST_DIR) + "/../docs/Plan.md");
  for (const auto &[group, value] : json.items()) {
    if (!value.is_object()) {
      EXPECT_NE(documentation.find("`" + group), std::string::npos) << group;
      continue;
    }
    for (const auto &[key, inner] : value.items())
      EXPECT_NE(documentation.find("`" + group + "." + key), std::string::npos)
          << group << "." << key;
  }
}

TEST(Plan, ExactWithHeaders) {
  Json json = rt::parseJson(plan({fixture("latent-moe-mixed"), "--json"}).out,
                            "stdout");
  EXPECT_TRUE(json["weights"]["exact"]);
  EXPECT_EQ(json["weights"]["stored_bytes"], 731760);
  EXPECT_EQ(json["weights"]["tensors"], 575);
}

TEST(Plan, TextShowsTheLayerMap) {
  Outcome outcome = plan({fixture("latent-moe")});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find(
                "Mamba-2, Latent MoE, Mamba-2, Attention, Latent MoE  x 3"),
            std::string::npos);
  EXPECT_EQ(outcome.err, "");
}

TEST(Plan, ConfigAloneIsFast) {
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(plan({configPath("ultra")}).code, 0);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 0.2);
}

TEST(Plan, UsageErrors) {
  EXPECT_EQ(plan({}).code, 2);
  EXPECT_EQ(plan({"--bogus", "x"}).code, 2);
  EXPECT_EQ(plan({"x", "y"}).code, 2);
  EXPECT_EQ(plan({configPath("nano"), "--batch=0"}).code, 2);
  EXPECT_EQ(plan({configPath("nano"), "--precision=f8"}).code, 2);
  EXPECT_EQ(plan({configPath("nano"), "--machine=abacus"}).code, 2);
  Outcome help = plan({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.out.rfind("usage: braid plan", 0), 0u);
}

TEST(Plan, InputErrors) {
  Outcome outcome = plan({"/nowhere/config.json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "error: /nowhere/config.json: cannot be opened: No "
                         "such file or directory\n");
  EXPECT_EQ(outcome.out, "");
  TestDirectory directory;
  directory.write("config.json", smallConfig().dump());
  directory.write("model.safetensors", "short");
  EXPECT_EQ(plan({directory.path.string()}).code, 1);
}

TEST(Plan, TimesOfKernels) {
  Outcome outcome = plan({configPath("nano"), "--json", "--target=sm_90a",
                          "--machine=h200", "--prompt=1000"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  Json steps = Json::parse(outcome.out)["steps"];
  ASSERT_EQ(steps.size(), 2u);
  const Json &decode = steps[0], &prefill = steps[1];
  EXPECT_EQ(decode["step"], "decode");
  EXPECT_EQ(decode["launches"], 30);
  // A quarter of 132 multiprocessors has work: four times as long.
  double move = 1e9 / (4.8e12 * 0.85);
  EXPECT_EQ(decode["kernels"][0]["name"], "few_blocks");
  EXPECT_NEAR(decode["kernels"][0]["seconds"], 10 * 1.5e-6 + 4 * move, 1e-9);
  EXPECT_NEAR(decode["kernels"][1]["seconds"], 20 * 1.5e-6 + move, 1e-9);
  EXPECT_NEAR(decode["seconds"], 30 * 1.5e-6 + 5 * move, 1e-9);
  EXPECT_NEAR(decode["seconds_at_best"], 2e9 / 4.8e12, 1e-9);
  EXPECT_EQ(prefill["rows"], 1000);
  EXPECT_EQ(prefill["kernels"][0]["limit"], "compute");
  EXPECT_NEAR(prefill["kernels"][0]["seconds"],
              20 * 1.5e-6 + 1e12 / (989e12 * 0.63 * 0.8), 1e-9);
}

TEST(Plan, TimesOfKernelsAsText) {
  Outcome outcome =
      plan({configPath("nano"), "--target=sm_90a", "--machine=h200"});
  for (const char *part :
       {"decode, batch 1, context 4096, on h200 (sm_90a); predicted, not "
        "measured",
        "prefill, 8192 tokens", "few_blocks", "compute, mma", "tensor peak"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << outcome.out;
}

TEST(Plan, TargetNeedsItsMachine) {
  for (const char *machine :
       {"--machine=a100", "--machine=laptop-ddr5", "--batch=1"}) {
    Outcome outcome = plan({configPath("nano"), "--target=sm_90a", machine});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.err.find("expected --machine= one of h100, h200 that"),
              std::string::npos)
        << outcome.err;
  }
}

TEST(Plan, CardIsItsOwnMachine) {
  Outcome outcome =
      plan({configPath("nano"), "--target=h200", "--machine=h100"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("--target=h200 is its own --machine, found 'h100'"),
            std::string::npos)
      << outcome.err;
}

TEST(Plan, TargetIsOneGPU) {
  for (const char *target : {"sm_90", "cpu", "sm_80,sm_90a"}) {
    Outcome outcome = plan({configPath("nano"), std::string("--target=") + target,
                            "--machine=h200"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.err.find("expected one GPU of rtx4090 (sm_89)"),
              std::string::npos)
        << outcome.err;
  }
}
