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
  --target=sm_90a       or what another of these cards runs, or a card (h200),
                        which is then the machine: also how long each kernel of
                        a step may take on it. The model is compiled and its
                        launches are counted, nothing is run or measured
  --prompt=N            tokens of the prompt that is predicted (8192, or the
                        model's context if that is less)
  --precision=bf16|f32  width of KV and convolution state (bf16)
  --json                one JSON object on stdout; keys in docs/Plan.md
  --verbose             also list the keys of config.json that nothing reads
  -h, --help            this text

examples:
  braid plan ~/models/nano
  braid plan config.json --machine=h200 --memory=24GiB
  braid plan config.json --target=h200
  braid plan config.json --json | jq .parameters.total
)";

/// Times are predicted for one card, which runs the target's code.
static void requireGPU(const PlanOptions &options, bool chosen) {
  std::string cards, all;
  for (const Machine &machine : usualMachines()) {
    if (machine.target.empty())
      continue;
    all += (all.empty() ? "" : ", ") + machine.name + " (" + machine.target + ")";
    if (machine.target == options.target)
      cards += (cards.empty() ? "" : ", ") + machine.name;
  }
  if (cards.empty())
    throw rt::Error("--target=" + options.target + ": expected one GPU of " + all);
  const std::string &own = options.machines.front().target;
  if (!chosen || own != options.target)
    throw rt::Error("--target=" + options.target + ": expected --machine= one "
                    "of " + cards + " that runs it" +
                    (chosen ? ", found '" + options.machines.front().name + "'"
                            : ""));
}

/// Compiles the model and predicts one decode step and one prompt.
static void planSteps(PlanReport &report) {
  const PlanOptions &options = report.options;
  auto code = compileForGPU(options.path, options.target,
                            options.elementBytes == 4);
  int64_t prompt = std::min(options.prompt, report.config.context);
  for (auto &[name, shape] :
       {std::pair<const char *, StepShape>{
            "decode", {options.batch, options.batch, options.context}},
        {"prefill", {prompt, 1, 0}}})
    report.steps.push_back({name, shape, code->kernelsOf(shape)});
}

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
  options.prompt = arguments.number("--prompt", 1, kLargest, options.prompt);
  options.target = arguments.value("--target");
  for (const Machine &card : usualMachines())
    if (card.name == options.target && !card.target.empty()) {
      if (arguments.has("--machine") && options.machines[0].name != card.name)
        throw rt::Error("--target=" + card.name + " is its own --machine, found '" +
                        options.machines[0].name + "'");
      options.target = card.target;
      options.machines = {card};
    }
  if (!options.target.empty())
    requireGPU(options, options.machines.size() == 1);
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
  if (!report.options.target.empty())
    planSteps(report);
  std::string text = report.options.json ? planJson(report) : planText(report);
  std::fputs(text.c_str(), stdout);
  return 0;
}

int planMain(int argc, char **argv) {
  return runCommand(argc, argv, usage,
                    {"--machine=", "--target=", "--prompt=", "--memory=", "--batch=", "--context=",
                     "--precision=", "--json", "--verbose"},
                    plan);
}

} // namespace braid
