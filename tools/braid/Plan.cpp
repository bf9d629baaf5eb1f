//===- Plan.cpp - braid plan: what a model costs, before it is compiled ---===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PlanReport.h"
#include "braid-rt/error.h"

#include <charconv>
#include <cstdio>
#include <filesystem>

namespace fs = std::filesystem;

namespace braid {

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

static int64_t parseCount(const std::string &value, const std::string &option) {
  int64_t number = 0;
  const char *end = value.data() + value.size();
  auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stop != end || number < 1 ||
      number > int64_t(1) << 31)
    throw rt::Error(option + ": expected a positive integer, found '" + value +
                    "'");
  return number;
}

static void parseOption(const std::string &argument, PlanOptions &options) {
  size_t equals = argument.find('=');
  std::string name = argument.substr(0, equals);
  std::string value =
      equals == argument.npos ? std::string() : argument.substr(equals + 1);
  if (name == "--machine")
    options.machines = {parseMachine(value)};
  else if (name == "--memory")
    options.memory = int64_t(parseQuantity(value, name));
  else if (name == "--batch")
    options.batch = parseCount(value, name);
  else if (name == "--context")
    options.context = parseCount(value, name);
  else if (name == "--precision" && (value == "bf16" || value == "f32"))
    options.elementBytes = value == "f32" ? 4 : 2;
  else if (name == "--precision")
    throw rt::Error("--precision: expected bf16 or f32, found '" + value + "'");
  else if (argument == "--json")
    options.json = true;
  else if (argument == "--verbose")
    options.verbose = true;
  else
    throw rt::Error("unknown option '" + argument + "'",
                    "`braid plan --help` lists the options");
}

/// argv[0] is the command's name. Throws rt::Error: a mistake in usage.
static PlanOptions parseArguments(int argc, char **argv) {
  PlanOptions options;
  options.machines = usualMachines();
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.rfind("-", 0) == 0 && argument != "-")
      parseOption(argument, options);
    else if (options.path.empty())
      options.path = argument;
    else
      throw rt::Error("expected one model, found '" + options.path + "' and '" +
                      argument + "'");
  }
  if (options.path.empty())
    throw rt::Error("expected a directory or a config.json",
                    "`braid plan --help` shows examples");
  return options;
}

static bool hasWeights(const std::string &path) {
  std::error_code error;
  return fs::is_directory(path, error) &&
         (fs::exists(fs::path(path) / "model.safetensors", error) ||
          fs::exists(fs::path(path) / "model.safetensors.index.json", error));
}

static void printError(const char *message, const std::string &hint) {
  std::fprintf(stderr, "error: %s\n", message);
  if (!hint.empty())
    std::fprintf(stderr, "hint: %s\n", hint.c_str());
}

static int plan(PlanReport &report) {
  report.config = readModelConfig(report.options.path);
  if (hasWeights(report.options.path)) {
    rt::Checkpoint checkpoint = rt::Checkpoint::open(report.options.path);
    report.check = checkTensors(report.config, checkpoint);
    report.files = checkpoint.files().size();
    for (const std::string &problem : report.check->problems)
      printError(problem.c_str(), "");
    if (!report.check->problems.empty())
      return 1;
  }
  computePlan(report);
  std::string text = report.options.json ? planJson(report) : planText(report);
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0)
    throw rt::Error("standard output cannot be written");
  return 0;
}

int planMain(int argc, char **argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string argument = argv[i];
        argument == "--help" || argument == "-h")
      return std::fputs(usage, stdout), 0;
  PlanReport report;
  try {
    report.options = parseArguments(argc, argv);
  } catch (const rt::Error &error) {
    printError(error.what(), error.hint);
    return 2;
  }
  try {
    return plan(report);
  } catch (const rt::Error &error) {
    printError(error.what(), error.hint);
    return 1;
  }
}

} // namespace braid
