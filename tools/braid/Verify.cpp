//===- Verify.cpp - braid verify: is this artefact right, on this machine
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include "braid-rt/golden.h"
#include "braid-rt/weights.h"
#include <charconv>

using namespace braid;

static constexpr const char *kHelp =
    R"(usage: braid verify [options] MODEL.braid

Checks an artefact where it will run: that no byte of it has changed, that the
whole weights file is the one it was compiled with, and that its kernels give
the logits that the reference schedule gave when it was compiled.

options:
  --weights-dir=DIR  where the weights are, if not beside the artefact
  --golden=FILE      compare with the logits stored in another artefact of the
                     same model, e.g. one compiled before a kernel was changed
  --threads=N        threads to run with (physical cores)
  -q                 only errors
  -h, --help         this text

Agreement means: in f32 within 1e-5 of the largest logit in all but one of six
sequences; in bf16 within 2e-2 and a KL of 1e-3 in all but two. The exit code is
1 if anything differs.
)";

namespace {

/// One line per check, aligned.
class Table {
public:
  explicit Table(bool quiet) : quiet(quiet) {}
  void row(const char *what, bool ok, const std::string &detail) {
    if (!quiet)
      printf("%-9s%-5s%s\n", what, ok ? "ok" : "FAIL", detail.c_str());
    fflush(stdout);
  }

private:
  bool quiet;
};

} // namespace

static std::string hex(const std::array<uint8_t, 32> &bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    char digits[3];
    snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

static void checkWeights(const rt::Artifact &artifact,
                         const std::string &weightsDir, Table &table) {
  const rt::WeightPlan &plan = artifact.manifest.weights;
  if (plan.mode == rt::WeightMode::None)
    return table.row("weights", true, "none: compiled without");
  std::string place = rt::findWeights(artifact, weightsDir);
  if (plan.mode == rt::WeightMode::Link)
    return table.row("weights", true,
                     place + ": its headers are checked when it is loaded");
  rt::verifyWeights(artifact, weightsDir, {});
  table.row("weights", true,
            place + ": " + std::to_string(plan.bytes) +
                " bytes match their hash");
}

static bool reportPhases(const std::vector<rt::GoldenPhase> &phases,
                         Table &table) {
  for (const rt::GoldenPhase &phase : phases) {
    char detail[160];
    snprintf(detail, sizeof(detail),
             "%d of %d sequences agree; at worst error %.1e, KL %.1e",
             phase.agreeing, phase.sequences, phase.error, phase.kl);
    table.row(phase.name, phase.passed, detail);
  }
  return passed(phases);
}

static int threadsOf(const Arguments &arguments) {
  std::string text = arguments.value("--threads");
  int threads = 0;
  auto end = text.data() + text.size();
  if (!text.empty() &&
      (std::from_chars(text.data(), end, threads).ptr != end || threads < 1))
    throw UsageError("--threads: expected a positive number, found '" + text +
                     "'");
  return threads;
}

/// The logits to compare with; no rows if there are none.
static rt::Golden goldenFor(const rt::Artifact &artifact,
                            const std::string &other) {
  if (!other.empty()) {
    rt::Artifact from = rt::Artifact::open(other);
    if (from.golden.empty())
      throw rt::Error(other + ": holds no golden logits");
    return rt::decodeGolden(from.golden, other);
  }
  return artifact.golden.empty()
             ? rt::Golden()
             : rt::decodeGolden(artifact.golden, artifact.path);
}

static int verify(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    throw UsageError("expected one artefact, found " +
                         std::to_string(arguments.words.size()),
                     "`braid verify --help` lists the options");
  Table table(arguments.has("-q"));
  int threads = threadsOf(arguments);
  rt::Artifact artifact = rt::Artifact::open(arguments.words[0]);
  table.row("seal", true, "sha256 " + hex(artifact.seal));
  std::string weightsDir = arguments.value("--weights-dir");
  checkWeights(artifact, weightsDir, table);
  rt::Golden golden = goldenFor(artifact, arguments.value("--golden"));
  if (golden.rows.empty()) {
    table.row("golden", true, "none stored: the kernels were not checked");
    return 0;
  }
  rt::EngineOptions options = rt::goldenOptions();
  options.weightsDir = weightsDir;
  options.threads = threads;
  auto engine = rt::Engine::open(arguments.words[0], options);
  if (!reportPhases(rt::compareGolden(*engine, golden), table))
    throw rt::Error(artifact.path + ": its kernels do not give the logits that "
                                    "the reference schedule gave");
  return 0;
}

namespace braid {
int verifyMain(int argc, char **argv) {
  return runCommand(argc, argv, kHelp,
                    {"--weights-dir=", "--golden=", "--threads=", "-q"},
                    verify);
}
} // namespace braid
