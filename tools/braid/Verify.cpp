//===- Verify.cpp - braid verify: is this artefact right, on this machine
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include "braid-rt/golden.h"
#include "braid-rt/weights.h"
#include <cstdio>

using namespace braid;

static constexpr const char *kHelp =
    R"(usage: braid verify [options] MODEL.braid

Checks an artefact where it will run: that no byte of it has changed, that the
whole weights file is the one it was compiled with (of a linked checkpoint:
names, types and shapes; there is no hash of its data), and that it gives the
logits that the reference schedule gave when it was compiled. A line begins with
"ok" or "FAIL", or "-" for what cannot be checked.

options:
  --weights-dir=DIR  where the weights are, if not beside the artefact
  --golden=FILE      compare with the logits stored in another artefact of the
                     same model, e.g. one compiled before a kernel was changed
  --device=D         where to run, as for braid run: cpu, cuda, cuda:N,
                     sim, sim:TARGET (auto)
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
  void passed(const char *what, const std::string &detail) {
    row(what, "ok", detail);
  }
  void failed(const char *what, const std::string &detail) {
    row(what, "FAIL", detail);
  }
  void notChecked(const char *what, const std::string &why) {
    row(what, "-", "not checked: " + why);
  }

private:
  void row(const char *what, const char *result, const std::string &detail) {
    if (!quiet)
      printf("%-9s%-5s%s\n", what, result, detail.c_str());
    fflush(stdout);
  }
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
    return table.notChecked("weights", "compiled without");
  std::string place = rt::findWeights(artifact, weightsDir);
  rt::verifyWeights(artifact, weightsDir, {});
  if (plan.mode == rt::WeightMode::Pack)
    table.passed("weights", place + ": " + std::to_string(plan.bytes) +
                                " bytes match their hash");
  else if (!plan.sourceSha256.empty())
    table.passed("weights", place + ": names, types and shapes match their "
                                    "hash; its data has none");
  else
    table.notChecked("weights", place + ": the artefact has no hash of it");
}

static bool reportPhases(const std::vector<rt::GoldenPhase> &phases,
                         Table &table) {
  for (const rt::GoldenPhase &phase : phases) {
    char detail[160];
    snprintf(detail, sizeof(detail),
             "%d of %d sequences agree (%d have to); at worst error %.1e, "
             "KL %.1e",
             phase.agreeing, phase.sequences, phase.needed, phase.error,
             phase.kl);
    phase.passed() ? table.passed(phase.name, detail)
                   : table.failed(phase.name, detail);
  }
  return passed(phases);
}

/// What has not been ruled out when the logits differ.
static rt::Error disagreement(const rt::Artifact &artifact,
                              const std::string &weightsDir, bool otherGolden) {
  std::string suspects = "its kernels";
  if (artifact.manifest.weights.mode == rt::WeightMode::Link)
    suspects += " or the data in " + rt::findWeights(artifact, weightsDir);
  return rt::Error(artifact.path +
                       ": does not give the logits that the "
                       "reference schedule gave: " +
                       suspects + " differ from those at that time",
                   otherGolden ? "logits of another artefact only fit if its "
                                 "weights were the same"
                               : "");
}

/// Throws unless both were compiled from one model in one precision: otherwise
/// different logits would be blamed on kernels.
static void requireSameModel(const rt::Artifact &artifact,
                             const rt::Artifact &other) {
  auto same = [&](const char *what, const std::string &expected,
                  const std::string &found) {
    if (expected != found)
      throw rt::Error(other.path + ": its golden logits do not fit " +
                          artifact.path + ": expected " + what + " " +
                          expected + ", found " + found,
                      "--golden takes an artefact of the same model in the "
                      "same precision");
  };
  const rt::Manifest &ours = artifact.manifest, &theirs = other.manifest;
  same("precision", ours.precision, theirs.precision);
  same("layers", ours.pattern, theirs.pattern);
  same("hidden size", std::to_string(ours.hidden),
       std::to_string(theirs.hidden));
  same("vocabulary", std::to_string(ours.vocabulary),
       std::to_string(theirs.vocabulary));
}

/// The logits to compare with; no rows if there are none.
static rt::Golden goldenFor(const rt::Artifact &artifact,
                            const std::string &other) {
  if (!other.empty()) {
    rt::Artifact from = rt::Artifact::open(other);
    requireSameModel(artifact, from);
    if (from.golden.empty())
      throw rt::Error(other + ": holds no golden logits");
    return rt::decodeGolden(from.golden, other);
  }
  return artifact.golden.empty()
             ? rt::Golden()
             : rt::decodeGolden(artifact.golden, artifact.path);
}

static int verify(const Arguments &arguments) {
  const std::string &path = arguments.onlyWord("one artefact");
  rt::EngineOptions options = rt::goldenOptions();
  options.threads = int(arguments.number("--threads", 1, 1024, 0));
  options.device = arguments.has("--device") ? arguments.value("--device") : "auto";
  // Before minutes are spent on hashing.
  if (std::string wrong = rt::wrongDevice(options.device); !wrong.empty())
    throw UsageError(wrong);
  options.weightsDir = arguments.value("--weights-dir");
  Table table(arguments.has("-q"));
  rt::Artifact artifact = rt::Artifact::open(path);
  table.passed("seal", "sha256 " + hex(artifact.seal));
  rt::Golden golden = goldenFor(artifact, arguments.value("--golden"));
  checkWeights(artifact, options.weightsDir, table);
  if (golden.rows.empty()) {
    table.notChecked("golden", "none stored to compare the kernels with");
    return 0;
  }
  auto engine = rt::Engine::open(path, options);
  if (!reportPhases(rt::compareGolden(*engine, golden), table))
    throw disagreement(artifact, options.weightsDir, arguments.has("--golden"));
  return 0;
}

namespace braid {
int verifyMain(int argc, char **argv) {
  return runCommand(argc, argv, kHelp,
                    {"--device=", "--weights-dir=", "--golden=", "--threads=",
                     "-q"},
                    verify);
}
} // namespace braid
