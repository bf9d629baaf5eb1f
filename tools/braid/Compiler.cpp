//===- Compiler.cpp - one compilation, phase by phase
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compiler.h"
#include "braid-rt/artifact.h"
#include "braid-rt/error.h"
#include "braid-rt/json.h"
#include "braid-rt/weights.h"
#include "braid/Dialect/Braid.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include <chrono>

using namespace mlir;
using namespace braid;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace {

/// Prints "[2/5] lowering to kernels (0.31 s)". A step that fails leaves its
/// line ended, so that the error stands on one of its own.
class Steps {
public:
  Steps(int total, bool quiet) : total(total), quiet(quiet) {}
  ~Steps() {
    if (open)
      llvm::errs() << "\n";
  }
  void begin(const Twine &what) {
    start = std::chrono::steady_clock::now();
    open = !quiet;
    if (!quiet)
      llvm::errs() << "[" << ++number << "/" << total << "] " << what;
  }
  void end(const Twine &detail = "") {
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    open = false;
    if (!quiet)
      llvm::errs() << llvm::format(" (%.2f s)", seconds.count()) << detail
                   << "\n";
  }

private:
  int total, number = 0;
  bool quiet, open = false;
  std::chrono::steady_clock::time_point start;
};

/// Keeps MLIR's diagnostics short: the first error becomes the message, with
/// its location; IR is never part of it.
class FirstError {
public:
  explicit FirstError(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          if (message.empty()) {
            llvm::raw_string_ostream out(message);
            if (auto loc = diagnostic.getLocation()
                               ->findInstanceOf<FileLineColLoc>())
              out << loc.getFilename().getValue() << ":" << loc.getLine() << ":"
                  << loc.getColumn() << ": ";
            out << diagnostic.str();
          }
          return success();
        }) {}
  [[noreturn]] void raise(const std::string &otherwise) {
    std::string line = message.empty() ? otherwise : message;
    throw rt::Error(line.substr(0, line.find('\n')));
  }

private:
  std::string message;
  ScopedDiagnosticHandler handler;
};

class Compilation {
public:
  explicit Compilation(const CompileOptions &options)
      : options(options), steps(countSteps(options), options.quiet) {
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }
  void run();

private:
  static int countSteps(const CompileOptions &options);
  void loadModel();
  void importModel();
  void parseModule();
  void advance(Phase from, StringRef next, StringRef what);
  bool stopHere(StringRef phase);
  void writeText();
  void bundle();
  void report(const std::string &weightsPath);
  std::string checkpointDir() const;

  const CompileOptions &options;
  DialectRegistry registry;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  Steps steps;
  BundleOptions bundleOptions;
  bool hasWeights = false;
};

} // namespace

static bool isText(const std::string &input) {
  return path::extension(input) == ".mlir";
}

int Compilation::countSteps(const CompileOptions &options) {
  if (options.stopAfter == "model")
    return 1;
  if (options.stopAfter == "kernel")
    return 2;
  return options.stopAfter == "device" ? 3 : 5;
}

static std::string readText(const std::string &file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

std::string Compilation::checkpointDir() const {
  if (fs::is_directory(options.input))
    return options.input;
  StringRef parent = path::parent_path(options.input);
  return parent.empty() ? "." : parent.str();
}

void Compilation::importModel() {
  steps.begin("reading " + options.input);
  ModelConfig config = readModelConfig(options.input);
  requireCompilable(config);
  std::optional<rt::Checkpoint> checkpoint;
  CheckpointNames names;
  std::string ignored;
  if (fs::is_directory(options.input)) {
    checkpoint = rt::Checkpoint::open(options.input);
    TensorCheck check = requireTensors(config, *checkpoint);
    names = check.names;
    ignored = check.ignoredLine;
    hasWeights = true;
  }
  FirstError errors(context);
  module = buildModule(context, config, names,
                       checkpoint ? &*checkpoint : nullptr, options.precision);
  if (failed(verify(*module)))
    errors.raise("the imported module is not valid");
  steps.end(" " + config.pattern());
  if (!ignored.empty() && !options.quiet)
    llvm::errs() << "      " << ignored << "\n";
  if (options.verbose)
    for (const std::string &key : config.unknownKeys)
      llvm::errs() << "      unknown config key: " << key << "\n";
}

void Compilation::parseModule() {
  steps.begin("reading " + options.input);
  FirstError errors(context);
  auto manager = std::make_shared<llvm::SourceMgr>();
  module = parseSourceFile<ModuleOp>(options.input, ParserConfig(&context));
  if (!module || !(*module)->hasAttr(kPhaseAttr))
    errors.raise(options.input + ": expected a module with the attribute "
                                 "'braid.phase', found none");
  steps.end();
}

void Compilation::loadModel() {
  if (isText(options.input))
    parseModule();
  else
    importModel();
}

bool Compilation::stopHere(StringRef phase) {
  if (options.stopAfter != phase)
    return false;
  writeText();
  return true;
}

void Compilation::writeText() {
  std::error_code error;
  std::string file = options.output.empty() ? "-" : options.output;
  llvm::ToolOutputFile out(file, error, fs::OF_None);
  if (error)
    throw rt::Error("cannot write '" + file + "': " + error.message());
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  (*module)->print(out.os(), flags);
  out.os() << "\n";
  out.keep();
}

void Compilation::advance(Phase from, StringRef next, StringRef what) {
  PipelineOptions pipeline{bundleOptions.target.level, options.reference};
  steps.begin(what);
  FirstError errors(context);
  PassManager pm(&context);
  if (failed(applyPassManagerCLOptions(pm)))
    throw rt::Error("contradictory pass manager options");
  applyDefaultTimingPassManagerCLOptions(pm);
  if (from == Phase::Model)
    buildKernelPhase(pm, pipeline);
  else
    buildDevicePhase(pm, pipeline);
  if (failed(pm.run(*module)))
    errors.raise(what.str() + " failed");
  (*module)->setAttr(kPhaseAttr, StringAttr::get(&context, next));
  steps.end();
}

/// Text that a model brings: tokenizer, chat template, whether <s> is added.
static void readTokenizer(const std::string &dir, BundleOptions &bundle) {
  bundle.tokenizer = readText(dir + "/tokenizer.json");
  std::string config = dir + "/tokenizer_config.json";
  bundle.chatTemplate = fs::exists(dir + "/chat_template.jinja");
  if (!fs::exists(config))
    return;
  rt::Json json = rt::readJsonFile(config);
  bundle.chatTemplate |= json.contains("chat_template");
  if (json.contains("add_bos_token") && json["add_bos_token"].is_boolean())
    bundle.addBos = json["add_bos_token"].get<bool>();
}

void Compilation::bundle() {
  std::string mode = options.weights;
  if (mode.empty())
    mode = hasWeights ? "pack" : "none";
  if (mode != "none" && !hasWeights)
    throw rt::Error("--weights=" + mode + ": " + options.input +
                        " has no weights",
                    "give the checkpoint's directory, or --weights=none");
  bundleOptions.weightsMode = mode;
  if (!isText(options.input))
    readTokenizer(checkpointDir(), bundleOptions);
  std::string output =
      options.output.empty() ? "model.braid" : options.output;
  if (mode == "link")
    bundleOptions.sourceDir = checkpointDir();

  steps.begin("generating code for " + bundleOptions.target.level);
  std::string partial = output + ".partial";
  std::string weights = output + ".weights";
  llvm::scope_exit cleanUp([&] {
    fs::remove(partial);
    fs::remove(weights + ".partial");
  });
  writeArtifact(*module, bundleOptions, partial);
  rt::sealArtifact(partial, "");
  steps.end();

  steps.begin(mode == "pack" ? "packing weights" : "sealing");
  std::string hash;
  if (mode == "pack") {
    rt::Artifact artifact = rt::Artifact::open(partial);
    hash = rt::preparePacked(artifact, checkpointDir(), weights + ".partial",
                             [](uint64_t, uint64_t) {})
               .headerSha256;
    rt::sealArtifact(partial, hash);
    fs::rename(weights + ".partial", weights);
  }
  if (auto error = fs::rename(partial, output))
    throw rt::Error("cannot write '" + output + "': " + error.message());
  cleanUp.release();
  steps.end();
  report(mode == "pack" ? weights : "");
}

void Compilation::report(const std::string &weightsPath) {
  if (options.quiet)
    return;
  auto line = [](const std::string &file) {
    uint64_t bytes = 0;
    (void)fs::file_size(file, bytes);
    llvm::errs() << llvm::format("  %12llu bytes  ", (unsigned long long)bytes)
                 << file << "\n";
  };
  llvm::errs() << "copy to another machine:\n";
  line(options.output.empty() ? "model.braid" : options.output);
  if (!weightsPath.empty())
    line(weightsPath);
}

void Compilation::run() {
  bundleOptions.target = parseTarget(options.target);
  loadModel();
  auto phase = (*module)->getAttrOfType<StringAttr>(kPhaseAttr).getValue();
  if (stopHere("model"))
    return;
  if (phase == "model")
    advance(Phase::Model, "kernel", "lowering to kernels");
  if (stopHere("kernel"))
    return;
  if (phase != "device")
    advance(Phase::Kernel, "device", "emitting loops and vectors");
  if (stopHere("device"))
    return;
  bundle();
}

void braid::compile(const CompileOptions &options) {
  Compilation(options).run();
}
