//===- Compile.cpp - braid compile: the command line
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compiler.h"
#include "braid-rt/error.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"
#include <cstdio>
#include <cstring>

using namespace braid;

static constexpr const char *kUsage =
    R"(usage: braid compile [options] DIR|config.json|dump.mlir

Compiles a model to one artefact: machine code, state plan, tokenizer, weight
table. From a directory the weights are packed beside it; from a config.json
alone the artefact has none (braid run --synthetic-weights=SEED).

options:
  -o FILE               the artefact (model.braid), or the dump (stdout)
  --precision=bf16|f32  numbers of the activations (bf16); f32 agrees with the
                        reference to 1e-5
  --target=LIST         native: code for this machine's level (default); cpu:
                        portable x86-64-v3; and any of sm_80, sm_86, sm_89,
                        sm_90a, sm_100a, sm_120a, or cards such as a100, h200:
                        GPU code beside it, as in --target=cpu,sm_80,h200
  --with-sim            GPU code also for the simulator (braid run --device=sim)
  --ptxas=FILE          the assembler of GPU code (CUDA_HOME/bin, then PATH);
                        without one the artefact has PTX alone
  --weights=pack|link|none
                        pack: model.braid.weights in kernel layout (default);
                        link: the checkpoint's own files, packed in memory at
                        load; none: code only
  --stop-after=model|kernel|device
                        write the IR of this phase; braid compile dump.mlir
                        goes on from it
  --weights-from=DIR    the checkpoint of a dump, if it is not where the dump
                        says
  --schedule=vector|reference
                        reference: every op's definition as plain loops, slow,
                        to compare with
  --golden=reference|none
                        reference: run the reference schedule on some tokens,
                        compare, and store its logits for braid verify
                        (default, where there are weights)
  --verbose             also list the config keys that nothing reads
  -q                    no progress
  --mlir-...            MLIR's own printing and timing options, such as
                        --mlir-print-ir-after-all, --mlir-print-ir-tree-dir=DIR,
                        --mlir-timing
  -h, --help            this text

examples:
  braid compile ~/models/nano -o nano.braid
  braid compile ~/models/nano --stop-after=kernel | less
  braid compile config.json --mlir-timing
)";

static void checkChoice(const std::string &flag, const std::string &value,
                        std::initializer_list<const char *> allowed) {
  std::string list;
  for (const char *choice : allowed) {
    if (value == choice)
      return;
    list += (list.empty() ? "" : " or ") + std::string(choice);
  }
  throw rt::Error(flag + ": expected " + list + ", found '" + value + "'");
}

/// Sets what one `--name=value` says; false if there is no such option.
static bool parseOption(const std::string &name, const std::string &value,
                        CompileOptions &options) {
  if (name == "--precision") {
    checkChoice(name, value, {"bf16", "f32"});
    options.precision = value == "f32" ? Precision::F32 : Precision::BF16;
  } else if (name == "--target") {
    options.target = value;
  } else if (name == "--with-sim") {
    options.withSim = true;
  } else if (name == "--ptxas") {
    options.ptxas = value;
  } else if (name == "--weights") {
    checkChoice(name, value, {"pack", "link", "none"});
    options.weights = value;
  } else if (name == "--weights-from") {
    options.weightsFrom = value;
  } else if (name == "--golden") {
    checkChoice(name, value, {"reference", "none"});
    options.golden = value == "reference";
  } else if (name == "--stop-after") {
    checkChoice(name, value, {"model", "kernel", "device"});
    options.stopAfter = value;
  } else if (name == "--schedule") {
    checkChoice(name, value, {"vector", "reference"});
    options.reference = value == "reference";
  } else if (name == "--verbose") {
    options.verbose = true;
  } else if (name == "-q") {
    options.quiet = true;
  } else {
    return false;
  }
  return true;
}

/// Hands MLIR's options to LLVM's own parser. Only they are passed on: LLVM
/// registers hundreds of options under names that ours would collide with.
static void parseMlirOptions(std::vector<const char *> arguments) {
  auto given = [&](llvm::StringRef prefix) {
    return llvm::any_of(arguments, [&](llvm::StringRef argument) {
      return argument.starts_with(prefix);
    });
  };
  // A tree of files says where to print, not when; alone it would stay empty.
  if (given("--mlir-print-ir-tree-dir") && !given("--mlir-print-ir-after") &&
      !given("--mlir-print-ir-before"))
    arguments.push_back("--mlir-print-ir-after-all");
  // Passes have to be known for --mlir-print-ir-after=PASS to name them.
  registerBraidPasses();
  mlir::registerTransformsPasses();
  mlir::bufferization::registerBufferizationPasses();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  std::string message;
  llvm::raw_string_ostream errors(message);
  if (!llvm::cl::ParseCommandLineOptions(arguments.size(), arguments.data(), "",
                                         &errors))
    throw rt::Error("an option of MLIR was not understood: " +
                    message.substr(0, message.find('\n')));
}

static bool isDump(const std::string &input) {
  return input.size() > 5 && input.ends_with(".mlir");
}

static CompileOptions parseArguments(int argc, char **argv) {
  CompileOptions options;
  std::vector<const char *> mlirArguments = {"braid compile"};
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    size_t equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    std::string value =
        equals == argument.npos ? "" : argument.substr(equals + 1);
    if (argument.rfind("--mlir-", 0) == 0)
      mlirArguments.push_back(argv[i]);
    else if (argument == "-o" && i + 1 < argc)
      options.output = argv[++i];
    else if (argument[0] == '-') {
      if (!parseOption(name, value, options))
        throw rt::Error("unknown option '" + argument + "'",
                        "`braid compile --help` lists the options");
    } else if (options.input.empty())
      options.input = argument;
    else
      throw rt::Error("expected one model, found '" + options.input +
                      "' and '" + argument + "'");
  }
  if (!options.weightsFrom.empty() && !isDump(options.input))
    throw rt::Error("--weights-from: expected a dump (*.mlir) as the model, "
                    "found '" +
                    options.input + "'");
  if (options.input.empty())
    throw rt::Error("expected a directory, a config.json or a dump",
                    "`braid compile --help` shows examples");
  parseMlirOptions(mlirArguments);
  return options;
}

int braid::compileMain(int argc, char **argv) {
  for (int i = 1; i < argc; ++i)
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
      return fputs(kUsage, stdout) < 0;
  CompileOptions options;
  try {
    options = parseArguments(argc, argv);
  } catch (const rt::Error &error) {
    fprintf(stderr, "error: %s\n", error.what());
    if (!error.hint.empty())
      fprintf(stderr, "hint: %s\n", error.hint.c_str());
    return 2;
  }
  compile(options);
  return 0;
}
