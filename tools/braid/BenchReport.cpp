//===- BenchReport.cpp - what braid bench prints --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Bench.h"
#include "braid-rt/json.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <numeric>

namespace braid {

static std::string format(const char *pattern, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(line, sizeof(line), pattern, arguments);
  va_end(arguments);
  return line;
}

static bool usesDot(const rt::Manifest &manifest) {
  return manifest.isa == "avx512-bf16" && manifest.precision == "bf16";
}

double peakOf(const Limits &limits, const rt::Manifest &manifest) {
  if (usesDot(manifest))
    return limits.bf16Dot;
  return manifest.isa == "x86-64-v3" ? limits.avx2Fma : limits.avx512Fma;
}

const char *peakName(const rt::Manifest &manifest) {
  if (usesDot(manifest))
    return "vdpbf16ps peak";
  return manifest.isa == "x86-64-v3" ? "AVX2 FMA peak" : "AVX-512 FMA peak";
}

std::string BenchResult::name() const {
  return (decode ? "tg" : "pp") + std::to_string(tokens);
}

/// value(i) for each repeat i.
template <typename Value>
static Spread overRepeats(const BenchResult &result, Value value) {
  std::vector<double> values;
  for (size_t i = 0; i < result.seconds.size(); ++i)
    values.push_back(value(i));
  return spreadOf(std::move(values));
}

Spread BenchResult::tokensPerSecond() const {
  return overRepeats(*this,
                     [&](size_t i) { return double(tokens) / seconds[i]; });
}

Spread BenchResult::computeRatio(const rt::Manifest &manifest) const {
  return overRepeats(*this, [&](size_t i) {
    return flops / seconds[i] / peakOf(limits[i], manifest);
  });
}

Spread BenchResult::readRatio() const {
  return overRepeats(
      *this, [&](size_t i) { return bytes / seconds[i] / limits[i].read; });
}

static Spread limit(const BenchResult &result, double Limits::*field) {
  return overRepeats(result, [&](size_t i) { return result.limits[i].*field; });
}

namespace {
/// A line of the table per kernel.
struct KernelLine {
  std::string name;
  double calls = 0, seconds = 0; ///< Of all repeats.
  double flops = 0, bytes = 0;
};
} // namespace

/// Kernels in the order of their time, then what ran outside of any.
static std::vector<KernelLine> kernelLines(const BenchResult &result,
                                           const rt::Manifest &manifest) {
  int64_t rows =
      result.tokens /
      std::max<int64_t>(result.steps / int64_t(result.seconds.size()), 1);
  double steps = double(result.steps);
  double rest =
      std::accumulate(result.seconds.begin(), result.seconds.end(), 0.0);
  std::vector<KernelLine> lines;
  for (size_t i = 0; i < manifest.kernels.size(); ++i) {
    const rt::Kernel &kernel = manifest.kernels[i];
    const rt::KernelProfile &profile = result.profile[i];
    if (profile.calls == 0)
      continue;
    double seconds = double(profile.nanoseconds) * 1e-9;
    lines.push_back({kernel.name, double(profile.calls), seconds,
                     steps * double(kernel.calls) * double(kernel.flops) *
                         double(kernel.outputs ? 1 : rows),
                     steps * weightBytes(kernel, rows, 1)});
    rest -= seconds;
  }
  std::sort(lines.begin(), lines.end(),
            [](auto &a, auto &b) { return a.seconds > b.seconds; });
  lines.push_back({"(outside of parallel regions)", 0, rest, 0, 0});
  return lines;
}

static std::string kernelTable(const BenchResult &result,
                               const rt::Manifest &manifest) {
  double total =
      std::accumulate(result.seconds.begin(), result.seconds.end(), 0.0);
  double peak = overRepeats(result, [&](size_t i) {
                  return peakOf(result.limits[i], manifest);
                }).median;
  double read = limit(result, &Limits::read).median;
  std::string text =
      format("  %-34s %9s %11s %7s %9s %7s\n", "kernel", "regions", "us a step",
             "share", "of peak", "of read");
  for (const KernelLine &line : kernelLines(result, manifest)) {
    double steps = double(result.steps);
    text += format("  %-34s %9.1f %11.1f %6.1f%%", line.name.c_str(),
                   line.calls / steps, line.seconds / steps * 1e6,
                   100 * line.seconds / total);
    if (line.flops > 0)
      text += format(" %9.2f", line.flops / line.seconds / peak);
    if (line.bytes > 0)
      text += format(" %7.2f", line.bytes / line.seconds / read);
    text += "\n";
  }
  return text;
}

static std::string limitsText(const BenchResult &result) {
  std::string text = format("limits with %d thread%s:", result.threads,
                            result.threads == 1 ? "" : "s");
  auto add = [&](const char *name, double Limits::*field) {
    if (double value = limit(result, field).median)
      text += format(" %s %.0f GFLOP/s,", name, value * 1e-9);
  };
  add("AVX2 FMA", &Limits::avx2Fma);
  add("AVX-512 FMA", &Limits::avx512Fma);
  add("vdpbf16ps", &Limits::bf16Dot);
  return text + format(" read %.1f GB/s\n",
                       limit(result, &Limits::read).median * 1e-9);
}

static std::string resultText(const BenchResult &result,
                              const rt::Manifest &manifest) {
  Spread speed = result.tokensPerSecond();
  Spread ratio =
      result.decode ? result.readRatio() : result.computeRatio(manifest);
  return format("%-7s %10.1f %10.1f %10.1f tokens/s   %.2f (%.2f-%.2f) of %s\n",
                result.name().c_str(), speed.min, speed.median, speed.max,
                ratio.median, ratio.min, ratio.max,
                result.decode ? "read bandwidth" : peakName(manifest));
}

std::string benchText(const BenchOptions &options, const rt::Manifest &manifest,
                      const std::vector<BenchResult> &results) {
  std::string text =
      format("%s: %s, %s, code for %s\n%s%s\n", options.artifact.c_str(),
             manifest.modelType.c_str(), manifest.precision.c_str(),
             manifest.isa.c_str(), cpuName().c_str(),
             hasAmx() ? " (has AMX; generated code does not "
                        "use it)"
                      : "");
  int threads = -1;
  for (const BenchResult &result : results) {
    if (result.threads != threads) {
      text += limitsText(result);
      text += format("%-7s %10s %10s %10s\n", "test", "min", "median", "max");
    }
    threads = result.threads;
    text += resultText(result, manifest);
    if (options.kernels)
      text += kernelTable(result, manifest);
  }
  return text;
}

static rt::Json toJson(const Spread &spread) {
  return {{"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

static rt::Json toJson(const BenchOptions &options, const BenchResult &result,
                       const rt::Manifest &manifest) {
  rt::Json json = {
      {"test", result.name()},
      {"threads", result.threads},
      {"tokens_per_second", toJson(result.tokensPerSecond())},
      {"flops", result.flops},
      {"bytes", result.bytes},
      {"of_compute_peak", toJson(result.computeRatio(manifest))},
      {"of_read_bandwidth", toJson(result.readRatio())},
      {"limits",
       {{"avx2_fma_flops", toJson(limit(result, &Limits::avx2Fma))},
        {"avx512_fma_flops", toJson(limit(result, &Limits::avx512Fma))},
        {"bf16_dot_flops", toJson(limit(result, &Limits::bf16Dot))},
        {"read_bytes", toJson(limit(result, &Limits::read))}}}};
  if (!options.kernels)
    return json;
  rt::Json kernels = rt::Json::array();
  for (const KernelLine &line : kernelLines(result, manifest))
    kernels.push_back({{"name", line.name},
                       {"regions", line.calls / double(result.steps)},
                       {"seconds", line.seconds},
                       {"flops", line.flops},
                       {"bytes", line.bytes}});
  json["kernels"] = std::move(kernels);
  return json;
}

std::string benchJson(const BenchOptions &options, const rt::Manifest &manifest,
                      const std::vector<BenchResult> &results) {
  rt::Json json = {{"schema", 1},
                   {"artifact", options.artifact},
                   {"precision", manifest.precision},
                   {"isa", manifest.isa},
                   {"cpu", cpuName()},
                   {"cpu_has_amx", hasAmx()},
                   {"compute_peak", peakName(manifest)},
                   {"repeats", options.repeats},
                   {"results", rt::Json::array()}};
  for (const BenchResult &result : results)
    json["results"].push_back(toJson(options, result, manifest));
  return json.dump(2) + "\n";
}

} // namespace braid
