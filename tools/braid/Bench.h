//===- Bench.h - braid bench: what is measured and how it is said ---------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_BENCH_H
#define BRAID_TOOLS_BENCH_H

#include "Limits.h"
#include "braid-rt/session.h"

#include <string>
#include <vector>

namespace braid {

struct BenchOptions {
  std::string artifact, weightsDir;
  std::vector<int64_t> prompts = {512}, decodes = {64, 128};
  std::vector<int64_t> threads = {0};
  int64_t repeats = 5;
  std::optional<uint64_t> syntheticSeed;
  bool kernels = false, json = false;
};

struct Spread {
  double min = 0, median = 0, max = 0;
};
/// REQUIRES: at least one value.
Spread spreadOf(std::vector<double> values);

/// One test on one number of threads, over all repeats.
struct BenchResult {
  bool decode = false;
  int64_t tokens = 0;
  int threads = 0;
  std::vector<double> seconds = {};
  std::vector<Limits> limits = {};        ///< Of each: the mean of before and after.
  double flops = 0, bytes = 0;            ///< Of one repeat.
  std::vector<rt::KernelProfile> profile = {}; ///< Of all repeats.
  int64_t steps = 0;                      ///< Of all repeats.

  std::string name() const;
  Spread tokensPerSecond() const;
  /// Of the compute peak of the artefact's level, of the read bandwidth.
  Spread computeRatio(const rt::Manifest &manifest) const;
  Spread readRatio() const;
};

/// The peak that the artefact's products can reach: of its level, not of the
/// machine, and its name.
double peakOf(const Limits &limits, const rt::Manifest &manifest);
const char *peakName(const rt::Manifest &manifest);

/// FLOPs of a step that ends a prompt or decodes a token: products with
/// weights and the scan; what grows with the context is left out.
double stepFlops(const rt::Manifest &manifest, int64_t rows, int64_t outputs);
/// Bytes that a kernel's calls in a step must read; each expert once at most,
/// the expected number of distinct ones if rows choose independently.
double weightBytes(const rt::Kernel &kernel, int64_t rows, int64_t outputs);

std::string benchText(const BenchOptions &options, const rt::Manifest &manifest,
                      const std::vector<BenchResult> &results);
std::string benchJson(const BenchOptions &options, const rt::Manifest &manifest,
                      const std::vector<BenchResult> &results);

} // namespace braid

#endif // BRAID_TOOLS_BENCH_H
