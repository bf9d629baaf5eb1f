//===- Golden.cpp - the reference logits of a compilation
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Golden.h"
#include "braid-rt/error.h"
#include "braid-rt/golden.h"
#include "braid/Pipeline/Pipeline.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace braid;

/// Prompts to try. Where the first one meets a choice between two experts that
/// hangs on the last bit, the next does not; a wrong kernel fails on all.
static constexpr int kAttempts = 4;

uint64_t braid::goldenBytesFor(ModuleOp module) {
  llvm::json::Object metadata = metadataOf(module);
  const llvm::json::Object *model = metadata.getObject("model");
  auto number = [&](StringRef key) {
    return model ? model->getInteger(key).value_or(0) : 0;
  };
  int64_t vocabulary = number("vocabulary");
  // What makes no sense is refused where the manifest is read.
  if (vocabulary < 1 || number("context") < rt::kGoldenContext)
    return 0;
  return rt::goldenBytes(vocabulary);
}

static void writeReference(GoldenJob &job, const std::string &scratch) {
  PassManager pm(job.kernels.getContext());
  buildReferencePhase(pm, {job.bundle.target.level, /*reference=*/true, {}, false});
  if (failed(pm.run(job.kernels)))
    throw rt::Error("the reference schedule cannot be compiled",
                    "this is a bug in Braid; --golden=none compiles without");
  BundleOptions bundle = job.bundle;
  bundle.goldenBytes = 0;
  bundle.tokenizer.clear();
  bundle.deviceCode.clear();
  writeArtifact(job.kernels, bundle, scratch);
  rt::sealArtifact(scratch, job.headerSha256);
}

static std::unique_ptr<rt::Engine> open(const GoldenJob &job,
                                        const std::string &artifact) {
  rt::EngineOptions options = rt::goldenOptions();
  options.device = "cpu"; // An artefact is the same on every machine.
  options.weightsDir = job.weights;
  options.threads = job.threads;
  return rt::Engine::open(artifact, options);
}

[[noreturn]] static void refuse(const std::vector<rt::GoldenPhase> &phases) {
  for (const rt::GoldenPhase &phase : phases)
    if (!phase.passed())
      throw rt::Error(
          llvm::formatv("the generated code does not agree with the reference "
                        "schedule: {0}: in {1} of {2} sequences, error {3:e2}",
                        phase.name, phase.sequences - phase.agreeing,
                        phase.sequences, phase.error)
              .str(),
          "this is a bug in Braid, or in a dump that was edited; "
          "--golden=none compiles all the same");
  llvm_unreachable("a phase failed");
}

std::string braid::makeGolden(GoldenJob job, const std::string &scratch,
                              std::string &detail) {
  writeReference(job, scratch);
  std::vector<rt::GoldenPhase> phases;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    rt::Golden golden = rt::computeGolden(*open(job, scratch), attempt);
    phases = rt::compareGolden(*open(job, job.artifact), golden);
    if (!passed(phases))
      continue;
    double error = 0;
    for (const rt::GoldenPhase &phase : phases)
      error = std::max(error, phase.error);
    detail = llvm::formatv(" largest difference {0:e1}", error).str();
    if (attempt)
      detail += llvm::formatv(", on prompts {0} of {1}", attempt + 1, kAttempts)
                    .str();
    return encodeGolden(golden);
  }
  refuse(phases);
}
