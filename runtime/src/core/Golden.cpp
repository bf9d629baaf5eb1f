//===- Golden.cpp - logits to verify an artefact with ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/golden.h"
#include "GoldenShape.h"
#include "Random.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace braid::rt {

/// BF16: two sequences in six may stray. A wrong kernel strays in all.
GoldenBar goldenBar(const std::string &precision) {
  return precision == "f32" ? GoldenBar{1e-5, 1e-6, 1}
                            : GoldenBar{2e-2, 1e-3, 2};
}

EngineOptions goldenOptions() {
  EngineOptions options;
  options.context = kGoldenContext;
  options.maxSequences = kSequences;
  options.maxRows = kPromptRows;
  return options;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

namespace {
/// Phase (0 .. 2), sequence, row within the sequence, logits.
using RowFn = std::function<void(int, size_t, size_t, const float *)>;
constexpr const char *kPhases[] = {"prompts", "batch", "single"};
} // namespace

static Sequences sequencesOf(int64_t vocabulary, int attempt) {
  Sequences sequences;
  uint64_t count = 0;
  for (int length : kPromptLengths) {
    auto &ids = sequences.emplace_back();
    for (int i = 0; i < length + 2; ++i)
      ids.push_back(
          int32_t(random(uint64_t(attempt), count++) % uint64_t(vocabulary)));
  }
  return sequences;
}

/// Runs one step and tells of its rows.
static void runStep(Session &session, const std::vector<Feed> &feeds, int phase,
                    size_t firstSequence, const Sequences &all,
                    const RowFn &tell) {
  session.step(feeds);
  const float *logits = session.logits();
  for (size_t f = 0; f < feeds.size(); ++f) {
    size_t begin = size_t(feeds[f].ids.data() - all[firstSequence + f].data());
    for (size_t r = 0; r < feeds[f].ids.size(); ++r) {
      tell(phase, firstSequence + f, begin + r, logits);
      logits += session.engine().manifest().vocabulary;
    }
  }
}

static void runAll(Engine &engine, const Sequences &all, const RowFn &tell) {
  Session session(engine);
  std::vector<Feed> prompts, batch;
  for (const auto &ids : all) {
    int sequence = session.create();
    std::span<const int32_t> span(ids);
    prompts.push_back({sequence, span.first(ids.size() - 2), Logits::All});
    batch.push_back({sequence, span.subspan(ids.size() - 2, 1), Logits::All});
  }
  runStep(session, prompts, 0, 0, all, tell);
  runStep(session, batch, 1, 0, all, tell);
  for (size_t s = 0; s < all.size(); ++s) {
    std::span<const int32_t> last(all[s]);
    runStep(session, {{batch[s].sequence, last.last(1), Logits::All}}, 2, s,
            all, tell);
  }
}

//===----------------------------------------------------------------------===//
// Making and comparing
//===----------------------------------------------------------------------===//

static int64_t columnId(int64_t column, int64_t columns, int64_t vocabulary) {
  return column * vocabulary / columns;
}

static GoldenRow describeRow(const float *logits, int64_t vocabulary) {
  GoldenRow row;
  std::vector<int32_t> order(static_cast<size_t>(vocabulary));
  std::iota(order.begin(), order.end(), 0);
  auto top = order.begin() + std::min(kTop, vocabulary);
  std::partial_sort(order.begin(), top, order.end(), [&](int a, int b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  row.topIds.assign(order.begin(), top);
  for (int32_t id : row.topIds)
    row.topLogits.push_back(logits[id]);
  int64_t columns = std::min(kColumns, vocabulary);
  for (int64_t c = 0; c < columns; ++c)
    row.columns.push_back(logits[columnId(c, columns, vocabulary)]);
  double sum = 0, largest = 0;
  for (int64_t i = 0; i < vocabulary; ++i) {
    sum += std::exp(double(logits[i]) - logits[row.topIds[0]]);
    largest = std::max(largest, std::abs(double(logits[i])));
  }
  row.largest = float(largest);
  row.logSumExp = float(std::log(sum) + logits[row.topIds[0]]);
  return row;
}

/// Throws if a logit is no number: nothing could be compared with it.
static void checkFinite(const float *logits, int64_t vocabulary) {
  for (int64_t i = 0; i < vocabulary; ++i)
    if (!std::isfinite(logits[i]))
      throw Error("a logit of the golden sequences is not finite",
                  "the weights are finite, so activations overflow; "
                  "--golden=none compiles without verifying");
}

static std::vector<size_t> rowOffsets(const Sequences &sequences) {
  std::vector<size_t> offsets = {0};
  for (const auto &ids : sequences)
    offsets.push_back(offsets.back() + ids.size());
  return offsets;
}

Golden computeGolden(Engine &engine, int attempt) {
  int64_t vocabulary = engine.manifest().vocabulary;
  Golden golden;
  golden.sequences = sequencesOf(vocabulary, attempt);
  std::vector<size_t> offsets = rowOffsets(golden.sequences);
  golden.rows.resize(offsets.back());
  runAll(engine, golden.sequences,
         [&](int, size_t sequence, size_t row, const float *logits) {
           checkFinite(logits, vocabulary);
           golden.rows[offsets[sequence] + row] =
               describeRow(logits, vocabulary);
         });
  return golden;
}

/// The largest difference of the logits that are kept; infinite for a NaN.
static double differenceOf(const GoldenRow &row, const float *logits,
                           int64_t vocabulary) {
  double worst = 0;
  auto see = [&](int64_t id, float expected) {
    double difference = std::abs(double(logits[id]) - expected);
    worst = difference <= worst        ? worst
            : difference == difference ? difference
                                       : HUGE_VAL;
  };
  for (size_t i = 0; i < row.topIds.size(); ++i)
    see(row.topIds[i], row.topLogits[i]);
  int64_t columns = int64_t(row.columns.size());
  for (int64_t c = 0; c < columns; ++c)
    see(columnId(c, columns, vocabulary), row.columns[size_t(c)]);
  return worst;
}

/// KL(golden || found) over the top tokens and "any other". Never more than
/// that over all tokens.
static double divergenceOf(const GoldenRow &row, const float *logits,
                           int64_t vocabulary) {
  double sum = 0;
  float peak = *std::max_element(logits, logits + vocabulary);
  for (int64_t i = 0; i < vocabulary; ++i)
    sum += std::exp(double(logits[i]) - peak);
  double logSum = std::log(sum) + peak, kl = 0, restP = 1, restQ = 1;
  for (size_t i = 0; i < row.topIds.size(); ++i) {
    double logP = double(row.topLogits[i]) - row.logSumExp;
    double logQ = double(logits[row.topIds[i]]) - logSum;
    kl += std::exp(logP) * (logP - logQ);
    restP -= std::exp(logP);
    restQ -= std::exp(logQ);
  }
  if (restP > 1e-6)
    kl += restP * std::log(restP / std::max(restQ, 1e-12));
  return kl == kl ? std::max(kl, 0.0) : HUGE_VAL;
}

namespace {
/// Of one sequence in one phase.
struct Verdict {
  double error = 0, kl = 0;
  int rows = 0;
};
} // namespace

static GoldenPhase judge(const char *name, const std::vector<Verdict> &verdicts,
                         const GoldenBar &bar) {
  GoldenPhase phase{name};
  for (const Verdict &verdict : verdicts) {
    double kl = verdict.kl / std::max(verdict.rows, 1);
    ++phase.sequences;
    phase.agreeing += verdict.error <= bar.error && kl <= bar.kl;
    phase.error = std::max(phase.error, verdict.error);
    phase.kl = std::max(phase.kl, kl);
  }
  phase.needed = phase.sequences - bar.strays;
  return phase;
}

std::vector<GoldenPhase> compareGolden(Engine &engine, const Golden &golden) {
  int64_t vocabulary = engine.manifest().vocabulary;
  for (const GoldenRow &row : golden.rows)
    for (int32_t id : row.topIds)
      if (id >= vocabulary)
        throw Error(engine.artifact().path +
                    ": the golden logits are of another model: token " +
                    std::to_string(id) + ", vocabulary " +
                    std::to_string(vocabulary));
  double scale = 1e-30;
  for (const GoldenRow &row : golden.rows)
    scale = std::max(scale, double(row.largest));
  std::vector<size_t> offsets = rowOffsets(golden.sequences);
  std::vector<Verdict> verdicts[3];
  for (auto &phase : verdicts)
    phase.resize(golden.sequences.size());
  runAll(engine, golden.sequences,
         [&](int phase, size_t sequence, size_t r, const float *logits) {
           const GoldenRow &row = golden.rows[offsets[sequence] + r];
           Verdict &verdict = verdicts[phase][sequence];
           double difference = differenceOf(row, logits, vocabulary);
           verdict.error = std::max(verdict.error, difference / scale);
           verdict.kl += divergenceOf(row, logits, vocabulary);
           ++verdict.rows;
         });
  std::vector<GoldenPhase> phases;
  for (int p = 0; p < 3; ++p)
    phases.push_back(
        judge(kPhases[p], verdicts[p], goldenBar(engine.manifest().precision)));
  return phases;
}

bool passed(const std::vector<GoldenPhase> &phases) {
  return std::ranges::all_of(phases, &GoldenPhase::passed);
}

} // namespace braid::rt
