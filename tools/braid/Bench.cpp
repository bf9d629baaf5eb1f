//===- Bench.cpp - braid bench: speed, and how far it is from the limits --===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Bench.h"
#include "Arguments.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

namespace braid {

static constexpr int64_t kLargest = int64_t(1) << 24; ///< Of a length.
static constexpr int64_t kMostThreads = 1024;
static constexpr int64_t kMostRepeats = 1000;

static constexpr const char *usage =
    R"(usage: braid bench [options] model.braid

Measures prompt reading (ppN: N tokens) and generation (tgN: N tokens one by one
from an empty context), and before and after each repeat what the machine can do,
so that the ratios hold on a busy machine too. Token ids are random with a fixed
seed. Runs the CPU's code; test/gpu/run.sh measures a GPU.

options:
  --prompt-lengths=N,.. prompts to read (512); 0 for none
  --decode-lengths=N,.. numbers of tokens to generate (64,128); 0 for none
  --threads=N,..        numbers of threads (as braid run)
  --repeats=N           measurements of each (5)
  --kernels             also a table per kernel
  --synthetic-weights=SEED
                        made-up weights, for an artefact without any
  --weights-dir=DIR     where model.braid.weights lies
  --json                one JSON object on stdout; keys in docs/performance.md
  -h, --help            this text

examples:
  braid bench nano.braid
  braid compile config.json -o m.braid && braid bench m.braid --synthetic-weights=1
  braid bench nano.braid --prompt-lengths=128,512,2048 --threads=1,2,4 --kernels
)";

/// Numbers with commas between them; zeros stand for nothing.
static std::vector<int64_t> listOf(const Arguments &arguments,
                                   const std::string &option,
                                   std::vector<int64_t> otherwise,
                                   int64_t lowest = 0,
                                   int64_t highest = kLargest) {
  if (!arguments.has(option))
    return otherwise;
  std::vector<int64_t> numbers;
  std::string text = arguments.value(option);
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    if (int64_t n =
            parseNumber(option, text.substr(at, comma - at), lowest, highest))
      numbers.push_back(n);
    at = comma + 1;
  }
  return numbers;
}

static BenchOptions optionsFrom(const Arguments &arguments) {
  BenchOptions options;
  options.artifact = arguments.onlyWord("one artefact");
  options.weightsDir = arguments.value("--weights-dir");
  options.prompts = listOf(arguments, "--prompt-lengths", options.prompts);
  options.decodes = listOf(arguments, "--decode-lengths", options.decodes);
  options.threads =
      listOf(arguments, "--threads", options.threads, 1, kMostThreads);
  options.repeats =
      arguments.number("--repeats", 1, kMostRepeats, options.repeats);
  if (arguments.has("--synthetic-weights"))
    options.syntheticSeed =
        uint64_t(arguments.number("--synthetic-weights", 0, INT64_MAX, 0));
  options.kernels = arguments.has("--kernels");
  options.json = arguments.has("--json");
  return options;
}

Spread spreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  double median = values.size() % 2 ? values[middle]
                                    : (values[middle - 1] + values[middle]) / 2;
  return {values.front(), median, values.back()};
}

double stepFlops(const rt::Manifest &manifest, int64_t rows, int64_t outputs) {
  double flops = 0;
  for (const rt::Kernel &kernel : manifest.kernels)
    flops += double(kernel.calls) * double(kernel.flops) *
             double(kernel.outputs ? outputs : rows);
  return flops;
}

double weightBytes(const rt::Kernel &kernel, int64_t rows, int64_t outputs) {
  if (kernel.outputs && outputs == 0)
    return 0;
  double used = 0;
  if (kernel.experts > 0) {
    double unused = 1 - double(kernel.choices) / double(kernel.experts);
    used = double(kernel.experts) * (1 - std::pow(unused, double(rows)));
  }
  return double(kernel.calls) *
         (double(kernel.weightBytes) + used * double(kernel.expertBytes));
}

namespace {
/// Runs the tests of one engine.
class Bench {
public:
  Bench(rt::Engine &engine, int64_t repeats)
      : engine(engine), session(engine), repeats(repeats),
        meter(engine.threads()) {}

  BenchResult measure(bool decode, int64_t tokens);

private:
  double once(const BenchResult &test);
  void feed(int sequence, int64_t from, int64_t count, bool last);
  void count(BenchResult &test) const;

  rt::Engine &engine;
  rt::Session session;
  int64_t repeats;
  LimitMeter meter;
  std::vector<int32_t> ids;
};
} // namespace

void Bench::feed(int sequence, int64_t from, int64_t count, bool last) {
  rt::Feed feed{
      sequence,
      std::span<const int32_t>(ids).subspan(size_t(from), size_t(count)),
      last ? rt::Logits::Choice : rt::Logits::None,
      {.temperature = 0}};
  session.step(std::span<const rt::Feed>(&feed, 1));
}

/// Seconds of one repeat, in a fresh sequence.
double Bench::once(const BenchResult &test) {
  using Clock = std::chrono::steady_clock;
  int sequence = session.create();
  int64_t chunk = test.decode ? 1 : engine.maxRows();
  auto start = Clock::now();
  for (int64_t at = 0; at < test.tokens; at += chunk) {
    int64_t count = std::min(chunk, test.tokens - at);
    feed(sequence, at, count, test.decode || at + count == test.tokens);
  }
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  session.release(sequence);
  return seconds;
}

void Bench::count(BenchResult &test) const {
  const rt::Manifest &manifest = engine.manifest();
  rt::MemoryUse memory = engine.memory();
  int64_t chunk = test.decode ? 1 : engine.maxRows();
  for (int64_t at = 0; at < test.tokens; at += chunk) {
    int64_t rows = std::min(chunk, test.tokens - at);
    int64_t outputs = test.decode || at + rows == test.tokens;
    test.flops += stepFlops(manifest, rows, outputs);
    for (const rt::Kernel &kernel : manifest.kernels)
      test.bytes += weightBytes(kernel, rows, outputs);
    test.bytes += double(memory.stateFixed) +
                  double(memory.statePerToken) * double(at + rows);
    test.steps += repeats;
  }
}

static Limits mean(const Limits &a, const Limits &b) {
  return {(a.avx2Fma + b.avx2Fma) / 2, (a.avx512Fma + b.avx512Fma) / 2,
          (a.bf16Dot + b.bf16Dot) / 2, (a.read + b.read) / 2};
}

BenchResult Bench::measure(bool decode, int64_t tokens) {
  BenchResult result{decode, tokens, engine.threads()};
  std::mt19937 random(1);
  ids.resize(size_t(tokens));
  for (int32_t &id : ids)
    id = int32_t(random() % uint32_t(engine.manifest().vocabulary));
  once(result); // Pages of weights and state come into memory.
  engine.resetProfile();
  Limits before = meter.measure();
  for (int64_t i = 0; i < repeats; ++i) {
    result.seconds.push_back(once(result));
    Limits after = meter.measure();
    result.limits.push_back(mean(before, after));
    before = after;
  }
  count(result);
  result.profile.assign(engine.profile().begin(), engine.profile().end());
  return result;
}

static std::unique_ptr<rt::Engine> openEngine(const BenchOptions &options,
                                              int64_t threads) {
  int64_t context = 1;
  for (int64_t tokens : options.prompts)
    context = std::max(context, tokens);
  for (int64_t tokens : options.decodes)
    context = std::max(context, tokens);
  rt::EngineOptions engine;
  engine.threads = int(threads);
  engine.context = context;
  engine.maxSequences = 1;
  engine.weightsDir = options.weightsDir;
  engine.syntheticSeed = options.syntheticSeed;
  engine.profile = true; // Two readings of the clock for a region.
  return rt::Engine::open(options.artifact, engine);
}

static int bench(const Arguments &arguments) {
  BenchOptions options = optionsFrom(arguments);
  std::vector<BenchResult> results;
  std::optional<rt::Manifest> manifest;
  for (int64_t threads : options.threads) {
    auto engine = openEngine(options, threads);
    manifest = engine->manifest();
    Bench tests(*engine, options.repeats);
    for (int64_t tokens : options.prompts)
      results.push_back(tests.measure(false, tokens));
    for (int64_t tokens : options.decodes)
      results.push_back(tests.measure(true, tokens));
  }
  std::string text = options.json ? benchJson(options, *manifest, results)
                                  : benchText(options, *manifest, results);
  std::fputs(text.c_str(), stdout);
  return 0;
}

int benchMain(int argc, char **argv) {
  return runCommand(argc, argv, usage,
                    {"--prompt-lengths=", "--decode-lengths=", "--threads=",
                     "--repeats=", "--kernels",
                     "--synthetic-weights=", "--weights-dir=", "--json"},
                    bench);
}

} // namespace braid
