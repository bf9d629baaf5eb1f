//===- Compiler.cpp - one compilation, phase by phase
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compiler.h"
#include "Golden.h"
#include "Output.h"
#include "Source.h"
#include "Steps.h"
#include "braid-rt/artifact.h"
#include "braid-rt/error.h"
#include "braid-rt/json.h"
#include "braid-rt/tokenizer.h"
#include "braid-rt/weights.h"
#include "braid/Dialect/Braid.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"
#include <functional>

using namespace mlir;
using namespace braid;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace {

class Compilation {
public:
  explicit Compilation(const CompileOptions &options)
      : options(options), threads(llvm::hardware_concurrency(options.jobs)),
        context(MLIRContext::Threading::DISABLED),
        steps(countSteps(options), options.quiet) {
    if (options.jobs > 1)
      context.setThreadPool(threads);
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
  void writeDump();
  void takeReference();
  void keepReference();
  void checkOptions(StringRef phase);
  void checkGPUOptions(StringRef phase);
  void bundle();
  void makeDeviceCode();
  void chooseWeights();
  std::string pack(PartialFile &artifact, PartialFile &weights);
  void checkGolden(PartialFile &artifact, PartialFile &weights,
                   const std::string &hash);
  void publish(PartialFile &artifact, PartialFile &weights,
               const std::string &hash);
  void report(const std::string &weightsPath);
  std::string output() const {
    return options.output.empty() ? "model.braid" : options.output;
  }

  const CompileOptions &options;
  llvm::DefaultThreadPool threads; ///< Started when there is work for them.
  DialectRegistry registry;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  /// The kernel phase, for the reference; null if there is no use for it.
  OwningOpRef<ModuleOp> kernels;
  Steps steps;
  TargetList targets;
  AssemblerOptions assembler;
  BundleOptions bundleOptions;
  std::vector<std::string> linkedFiles; ///< The checkpoint's shards.
  ModelSource source;
};

} // namespace

static bool isText(const std::string &input) {
  return path::extension(input) == ".mlir";
}

int Compilation::countSteps(const CompileOptions &options) {
  if (isText(options.input))
    return 0;
  if (options.stopAfter == "model")
    return 1;
  if (options.stopAfter == "kernel")
    return 2;
  if (options.stopAfter == "device")
    return 3;
  bool weights = fs::is_directory(options.input) && options.weights != "none";
  bool gpus = !parseTargets(options.target.empty() ? "native" : options.target)
                   .gpus.empty();
  return (gpus ? 1 : 0) + (weights && options.golden && !options.reference ? 6 : 5);
}

void Compilation::importModel() {
  steps.begin("reading " + options.input);
  source.place = options.input;
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
    linkedFiles = checkpoint->files();
    std::string index = options.input + "/model.safetensors.index.json";
    if (fs::exists(index))
      linkedFiles.push_back(index);
  }
  readTokenizer(source.folder(), bundleOptions);
  FirstError errors(context);
  module =
      buildModule(context, config, names, checkpoint ? &*checkpoint : nullptr,
                  options.precision.value_or(Precision::BF16));
  if (failed(verify(*module)))
    errors.raise("the imported module is not valid");
  steps.end(" " + config.pattern());
  if (!ignored.empty() && !options.quiet)
    llvm::errs() << "      " << ignored << "\n";
  if (!options.quiet)
    for (const std::string &note : config.notes)
      llvm::errs() << "      note: " << note << "\n";
  if (options.verbose)
    for (const std::string &key : config.unknownKeys)
      llvm::errs() << "      unknown config key: " << key << "\n";
}

void Compilation::parseModule() {
  steps.begin("reading " + options.input);
  FirstError errors(context);
  module = parseSourceFile<ModuleOp>(options.input, ParserConfig(&context));
  if (!module || !(*module)->hasAttr(kPhaseAttr))
    errors.raise(options.input + ": expected a module with the attribute "
                                 "'braid.phase', found none");
  auto recorded = (*module)->getAttrOfType<StringAttr>(kSourceAttr);
  (*module)->removeAttr(kSourceAttr);
  source = sourceOfDump(options, recorded ? recorded.str() : "");
  if (!source.place.empty() && options.stopAfter.empty())
    readTokenizer(source.folder(), bundleOptions);
  takeReference();
  steps.end();
}

/// A dump of the device phase carries the kernel phase along.
void Compilation::takeReference() {
  auto nested = module->lookupSymbol<ModuleOp>(kReferenceModule);
  if (!nested)
    return;
  nested->remove();
  kernels = nested;
}

/// REQUIRES: the module is in the kernel phase.
void Compilation::keepReference() {
  kernels = module->clone();
  // The reference runs on the CPU.
  for (auto function :
       llvm::make_early_inc_range(kernels->getOps<func::FuncOp>()))
    if (function->hasAttr(kTargetAttr))
      function.erase();
  kernels->setSymName(kReferenceModule);
}

static std::optional<int> phaseNumber(StringRef phase) {
  return llvm::StringSwitch<std::optional<int>>(phase)
      .Case("model", 0)
      .Case("kernel", 1)
      .Case("device", 2)
      .Default(std::nullopt);
}

/// The list as a dump records it: levels, not "native" or "h200".
static std::string nameOf(const TargetList &targets) {
  std::string name = parseTarget(targets.cpu).level;
  for (const GPUTarget &gpu : targets.gpus)
    name += "," + gpu.name;
  return name;
}

/// A dump has decided some things already; options that say otherwise are
/// mistakes.
void Compilation::checkOptions(StringRef phase) {
  auto refuse = [&](const Twine &option, const Twine &found) {
    throw rt::Error(options.input + ": " + option.str() +
                    " comes too late: the dump is " + found.str());
  };
  if (!phaseNumber(phase))
    throw rt::Error(options.input +
                    ": expected model, kernel or device as "
                    "'braid.phase', found '" +
                    phase.str() + "'");
  if (!options.stopAfter.empty() &&
      phaseNumber(options.stopAfter) < phaseNumber(phase))
    refuse("--stop-after=" + options.stopAfter, "in the phase " + phase);
  auto precision = (*module)->getAttrOfType<StringAttr>(kPrecisionAttr);
  bool f32 = precision && precision.getValue() == "f32";
  if (options.precision && (*options.precision == Precision::F32) != f32)
    refuse(f32 ? "--precision=bf16" : "--precision=f32",
           f32 ? "in f32" : "in bf16");
  if (options.reference && phase != "model")
    refuse("--schedule=reference", "in the phase " + phase);
  auto level = (*module)->getAttrOfType<StringAttr>(kTargetAttr);
  if (!level)
    return;
  TargetList made{level.str(), {}};
  std::string all = level.str();
  if (auto gpus = (*module)->getAttrOfType<ArrayAttr>(kGPUTargetsAttr))
    for (StringRef gpu : gpus.getAsValueRange<StringAttr>()) {
      made.gpus.push_back(
          parseGPUTarget(options.input + ": the attribute '" +
                             kGPUTargetsAttr.str() + "'",
                         gpu.str()));
      all += "," + gpu.str();
    }
  if (!options.target.empty() && nameOf(targets) != all)
    refuse("--target=" + options.target, "for " + all);
  if (options.withSim && !(*module)->hasAttr(kWithSimAttr))
    refuse("--with-sim", "made without");
  targets = made;
  bundleOptions.target = parseTarget(level.str());
}

/// REQUIRES: `targets` are those of the dump, if it has decided on them.
void Compilation::checkGPUOptions(StringRef phase) {
  const char *remedy = "name a GPU: --target=sm_90a";
  if (options.withSim && targets.gpus.empty())
    throw rt::Error("--with-sim: there is no GPU code to simulate", remedy);
  if (!options.ptxas.empty() && targets.gpus.empty())
    throw rt::Error("--ptxas: there is no GPU code to assemble", remedy);
  if (!options.cache.empty() && targets.gpus.empty())
    throw rt::Error("--cache: there is no GPU code to assemble", remedy);
  if (options.withSim && phase == "model")
    (*module)->setAttr(kWithSimAttr, UnitAttr::get(&context));
  // A wrong path shows now, not after minutes of work.
  if (!targets.gpus.empty() && options.assemble)
    assembler = {findPtxas(options.ptxas), findCodeCache(options.cache)};
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
  writeDump();
  return true;
}

void Compilation::writeDump() {
  if (!source.place.empty()) {
    std::string place = source.seenFrom(options.output);
    (*module)->setAttr(kSourceAttr, StringAttr::get(&context, place));
  }
  if (options.stopAfter == "device" && kernels)
    module->push_back(kernels.release());
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  // The importer's locations are names made for reading.
  if (options.stopAfter == "model")
    flags.printNameLocAsPrefix();
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*module)->print(stream, flags);
  writeText(options.output, text + "\n");
}

void Compilation::advance(Phase from, StringRef next, StringRef what) {
  PipelineOptions pipeline{bundleOptions.target.level, options.reference, {},
                           (*module)->hasAttr(kWithSimAttr)};
  for (const GPUTarget &gpu : targets.gpus)
    pipeline.gpus.push_back(gpu.name);
  steps.begin(what);
  FirstError errors(context);
  PassManager pm(&context);
  if (failed(applyPassManagerCLOptions(pm)))
    throw rt::Error("contradictory pass manager options");
  applyDefaultTimingPassManagerCLOptions(pm);
  if (from == Phase::Model)
    buildKernelPhase(pm, pipeline);
  else if (from == Phase::Kernel)
    buildDevicePhase(pm, pipeline);
  else
    buildSimulation(pm, pipeline);
  if (failed(pm.run(*module)))
    errors.raise(what.str() + " failed");
  (*module)->setAttr(kPhaseAttr, StringAttr::get(&context, next));
  (*module)->setAttr(kTargetAttr,
                     StringAttr::get(&context, bundleOptions.target.level));
  steps.end();
}

void Compilation::chooseWeights() {
  std::string &mode = bundleOptions.weightsMode;
  mode = options.weights;
  if (mode.empty())
    mode = source.hasWeights() ? "pack" : "none";
  if (mode != "none" && !source.hasWeights())
    throw rt::Error("--weights=" + mode + ": " + options.input +
                        " has no weights",
                    "give the checkpoint's directory, or --weights=none");
  if (mode == "link") {
    bundleOptions.sourceDir = source.seenFrom(output());
    bundleOptions.sourceSha256 =
        rt::Checkpoint::open(source.folder()).headerHash();
  }
  if (mode == "none" || !options.golden || options.reference)
    kernels = nullptr;
  if (kernels)
    bundleOptions.goldenBytes = goldenBytesFor(*module);
}

/// PTX, and machine code where there is an assembler.
void Compilation::makeDeviceCode() {
  if (targets.gpus.empty())
    return;
  std::vector<std::string> names;
  for (const GPUTarget &gpu : targets.gpus)
    names.push_back(gpu.name);
  steps.begin("generating PTX for " + llvm::join(names, ", "));
  bundleOptions.deviceCode =
      generateDeviceCode(*module, targets.gpus, assembler);
  size_t kernels = 0, cached = 0;
  for (const DeviceCode &code : bundleOptions.deviceCode) {
    kernels += code.cubins.size();
    cached += llvm::count_if(code.cubins, std::mem_fn(&Cubin::cached));
  }
  std::string text = " " + std::to_string(kernels) + " kernels";
  if (assembler.ptxas.empty())
    text += ", not assembled: no ptxas";
  else if (cached)
    text += ", " + std::to_string(cached) + " assembled earlier";
  steps.end(text);
}

void Compilation::bundle() try {
  chooseWeights();
  makeDeviceCode();
  steps.begin("generating code for " + bundleOptions.target.level);
  PartialFile artifact(output()), weights(output() + ".weights");
  writeArtifact(*module, bundleOptions, artifact.path);
  rt::sealArtifact(artifact.path, "");
  steps.end();

  bool packed = bundleOptions.weightsMode == "pack";
  steps.begin(packed ? "packing weights" : "sealing");
  std::string hash = packed ? pack(artifact, weights) : "";
  steps.end();
  if (bundleOptions.goldenBytes)
    checkGolden(artifact, weights, hash);
  publish(artifact, weights, hash);
  report(packed ? output() + ".weights" : "");
} catch (const rt::Error &error) {
  throw PartialFile::asTarget(error);
}

std::string Compilation::pack(PartialFile &artifact, PartialFile &weights) {
  std::string hash = rt::preparePacked(
                         rt::Artifact::open(artifact.path), source.folder(),
                         weights.path, [](uint64_t, uint64_t) {}, options.jobs)
                         .headerSha256;
  rt::sealArtifact(artifact.path, hash);
  return hash;
}

void Compilation::checkGolden(PartialFile &artifact, PartialFile &weights,
                              const std::string &hash) {
  steps.begin("comparing with the reference schedule");
  FirstError errors(context);
  bool packed = bundleOptions.weightsMode == "pack";
  GoldenJob job{*kernels,      bundleOptions,
                artifact.path, packed ? weights.path : source.folder(),
                hash,          options.jobs};
  PartialFile reference(output() + ".reference");
  std::string detail;
  std::string golden = makeGolden(job, reference.path, detail);
  rt::sealArtifact(artifact.path, "", golden);
  steps.end(detail);
}

/// Whenever this is killed, artefact and weights are both the old ones or both
/// the new ones: see rt::stagedWeights.
void Compilation::publish(PartialFile &artifact, PartialFile &weights,
                          const std::string &hash) {
  if (hash.empty())
    return artifact.publish(output());
  std::string staged = rt::stagedWeights(output(), hash);
  weights.publish(staged);
  artifact.publish(output());
  renameFile(staged, output() + ".weights");
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
  line(output());
  if (!weightsPath.empty())
    line(weightsPath);
  if (bundleOptions.weightsMode == "link")
    for (const std::string &file : linkedFiles)
      line(file);
  llvm::errs() << "braid-run runs it there (README: I ship a binary)\n";
  if (bundleOptions.weightsMode == "none")
    llvm::errs() << "no weights: braid run --synthetic-weights=SEED\n";
}

void Compilation::run() {
  targets = parseTargets(options.target.empty() ? "native" : options.target);
  bundleOptions.target = parseTarget(targets.cpu);
  if (options.stopAfter.empty())
    checkOutput(output());
  loadModel();
  auto attribute = (*module)->getAttrOfType<StringAttr>(kPhaseAttr);
  std::string phase = attribute ? attribute.str() : "";
  checkOptions(phase);
  checkGPUOptions(phase);
  if (stopHere("model"))
    return;
  if (phase == "model")
    advance(Phase::Model, "kernel", "lowering to kernels");
  if (stopHere("kernel"))
    return;
  if (phase != "device") {
    keepReference();
    advance(Phase::Kernel, "device", "emitting loops and vectors");
  } else if ((*module)->hasAttr(kWithSimAttr)) {
    // GPU functions of a dump may have been edited.
    advance(Phase::Device, "device", "making the simulator's functions");
  }
  if (stopHere("device"))
    return;
  bundle();
}

void braid::compile(const CompileOptions &options) {
  Compilation(options).run();
}
