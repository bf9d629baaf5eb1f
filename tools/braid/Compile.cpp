//===- Compile.cpp - braid compile: the command line
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include "Compiler.h"
#include "braid-rt/machine.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"

using namespace braid;

static constexpr int64_t kMostJobs = 1024;

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
  --cache=DIR|none      where assembled GPU code is kept, by content, up to
                        256 MiB ($XDG_CACHE_HOME/braid or ~/.cache/braid)
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
  -j N, --jobs=N        threads to compile with (physical cores); the artefact
                        is the same for every N
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

/// Hands MLIR's options to LLVM's own parser. Only they are passed on: LLVM
/// registers hundreds of options under names that ours would collide with.
static void parseMlirOptions(const std::vector<std::string> &options) {
  auto given = [&](llvm::StringRef prefix) {
    return llvm::any_of(options, [&](llvm::StringRef option) {
      return option.starts_with(prefix);
    });
  };
  std::vector<const char *> arguments = {"braid compile"};
  for (const std::string &option : options)
    arguments.push_back(option.c_str());
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
    throw UsageError("an option of MLIR was not understood: " +
                     message.substr(0, message.find('\n')));
}

static bool isDump(const std::string &input) {
  return input.size() > 5 && input.ends_with(".mlir");
}

static CompileOptions optionsFrom(const Arguments &arguments) {
  CompileOptions options;
  options.input = arguments.onlyWord("a directory, a config.json or a dump");
  options.output = arguments.value("-o");
  if (arguments.has("--precision"))
    options.precision =
        arguments.choice("--precision", {"bf16", "f32"}) == "f32"
            ? Precision::F32
            : Precision::BF16;
  options.target = arguments.value("--target");
  options.ptxas = arguments.value("--ptxas");
  options.cache = arguments.value("--cache");
  options.withSim = arguments.has("--with-sim");
  options.weights = arguments.choice("--weights", {"", "pack", "link", "none"});
  options.weightsFrom = arguments.value("--weights-from");
  options.golden =
      arguments.choice("--golden", {"reference", "none"}) == "reference";
  options.stopAfter =
      arguments.choice("--stop-after", {"", "model", "kernel", "device"});
  options.reference =
      arguments.choice("--schedule", {"vector", "reference"}) == "reference";
  options.jobs = int(arguments.number(
      "--jobs", 1, kMostJobs,
      arguments.number("-j", 1, kMostJobs, rt::defaultThreads())));
  options.verbose = arguments.has("--verbose");
  options.quiet = arguments.has("-q");
  if (!options.weightsFrom.empty() && !isDump(options.input))
    throw UsageError("--weights-from: expected a dump (*.mlir) as the model, "
                     "found '" +
                     options.input + "'");
  return options;
}

int braid::compileMain(int argc, char **argv) {
  return runCommand(argc, argv, kUsage,
                    {"-o=", "--precision=", "--target=", "--with-sim",
                     "--ptxas=", "--cache=", "--weights=",
                     "--weights-from=", "--golden=", "--stop-after=",
                     "--schedule=", "-j=", "--jobs=", "--verbose", "-q",
                     "--mlir-*"},
                    [](const Arguments &arguments) {
                      CompileOptions options = optionsFrom(arguments);
                      parseMlirOptions(arguments.passed);
                      compile(options);
                      return 0;
                    });
}
