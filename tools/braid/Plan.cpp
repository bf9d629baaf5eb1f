//===- Plan.cpp - braid plan: what a model costs, before it is compiled ---===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include "PlanReport.h"

#include <cstdio>
#include <filesystem>

namespace fs = std::filesystem;

namespace braid {

/// Of a batch and of a context.
static constexpr int64_t kLargest = int64_t(1) << 31;

static constexpr const char *usage =
    R"(usage: braid plan [options] DIR|config.json

Says what a model needs before anything is downloaded or compiled: its layers,
parameters, bytes in memory, bytes and FLOPs per token, and how fast a machine
can be at best. config.json is enough; where DIR has safetensors, every
tensor is checked against it and the sizes are exact.

options:
  --machine=NAME        predict for one machine: laptop-ddr5, epyc-9654,
                        rtx4090, rtx5090, l40s, a100, h100, h200, b200
  --machine=bw=B,flops=F[,memory=M]
                        or for these peaks, e.g. bw=3.3TB/s,flops=989T
  --memory=SIZE         the largest context for each batch, e.g. 24GiB
  --batch=N             sequences at once in predictions (1)
  --context=N           tokens before each in predictions (4096)
  --precision=bf16|f32  width of KV and convolution state (bf16)
  --json                one JSON object on stdout; keys in docs/Plan.md
  --verbose             also list the keys of config.json that nothing reads
  -h, --help            this text

examples:
  braid plan ~/models/nano
  braid plan config.json --machine=h200 --memory=24GiB
  braid plan config.json --json | jq .parameters.total
)";

/// Throws rt::Error: a mistake in usage.
static PlanOptions optionsFrom(const Arguments &arguments) {
  PlanOptions options;
  options.path = arguments.onlyWord("a directory or a config.json");
  options.machines = usualMachines();
  if (arguments.has("--machine"))
    options.machines = {parseMachine(arguments.value("--machine"))};
  if (arguments.has("--memory"))
    options.memory = parseMemory(arguments.value("--memory"), "--memory");
  options.batch = arguments.number("--batch", 1, kLargest, options.batch);
  options.context = arguments.number("--context", 1, kLargest, options.context);
  bool f32 = arguments.choice("--precision", {"bf16", "f32"}) == "f32";
  options.elementBytes = f32 ? 4 : 2;
  options.json = arguments.has("--json");
  options.verbose = arguments.has("--verbose");
  return options;
}

static bool hasWeights(const std::string &path) {
  std::error_code error;
  return fs::is_directory(path, error) &&
         (fs::exists(fs::path(path) / "model.safetensors", error) ||
          fs::exists(fs::path(path) / "model.safetensors.index.json", error));
}

static int plan(const Arguments &arguments) {
  PlanReport report;
  try {
    report.options = optionsFrom(arguments);
  } catch (const rt::Error &error) {
    throw UsageError(error.what(), error.hint);
  }
  report.config = readModelConfig(report.options.path);
  if (hasWeights(report.options.path)) {
    rt::Checkpoint checkpoint = rt::Checkpoint::open(report.options.path);
    report.check = checkTensors(report.config, checkpoint);
    report.files = checkpoint.files().size();
    for (const std::string &problem : report.check->problems)
      printError(rt::Error(problem));
    if (!report.check->problems.empty())
      return 1;
  }
  computePlan(report);
  std::string text = report.options.json ? planJson(report) : planText(report);
  std::fputs(text.c_str(), stdout);
  return 0;
}

int planMain(int argc, char **argv) {
  return runCommand(argc, argv, usage,
                    {"--machine=", "--memory=", "--batch=", "--context=",
                     "--precision=", "--json", "--verbose"},
                    plan);
}

} // namespace braid
