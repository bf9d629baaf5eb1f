//===- Sampling.cpp - choosing the next token -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/sampling.h"
#include "Random.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace braid::rt {

static void require(bool holds, const char *option, const char *range,
                    double found) {
  if (!holds)
    throw Error(std::string(option) + ": expected " + range + ", found " +
                std::to_string(found));
}

Sampler::Sampler(const SamplingOptions &options, int64_t vocabulary)
    : options(options), candidates(size_t(vocabulary)) {
  require(options.temperature >= 0 && std::isfinite(options.temperature),
          "temperature", "a number from 0 up", options.temperature);
  require(options.topK >= 0, "top-k", "a number from 0 up",
          double(options.topK));
  require(options.topP > 0 && options.topP <= 1, "top-p",
          "a number above 0 and at most 1", options.topP);
}

/// The first of the largest. Throws Error for what is not a number.
static int32_t mostLikely(const float *logits, size_t count) {
  size_t best = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(logits[i]) ||
        logits[i] == std::numeric_limits<float>::infinity())
      throw Error("the model computed " + std::to_string(logits[i]) +
                      " as logit of id " + std::to_string(i),
                  "its weights may be damaged; verify the artefact");
    if (logits[i] > logits[best])
      best = i;
  }
  if (std::isinf(logits[best]))
    throw Error("the model computed -inf for every id");
  return int32_t(best);
}

/// More likely first; of equals the lower id.
static bool before(const std::pair<double, int32_t> &a,
                   const std::pair<double, int32_t> &b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

/// The top-k candidates; sorted if there is anything to cut.
std::span<Sampler::Candidate> Sampler::likely(const float *logits) {
  for (size_t i = 0; i < candidates.size(); ++i)
    candidates[i] = {logits[i], int32_t(i)};
  std::span<Candidate> all(candidates);
  if (options.topK > 0 && uint64_t(options.topK) < all.size()) {
    std::nth_element(all.begin(), all.begin() + options.topK, all.end(),
                     before);
    all = all.first(size_t(options.topK));
  } else if (options.topP >= 1) {
    return all;
  }
  std::sort(all.begin(), all.end(), before);
  return all;
}

/// The shortest front of `sorted` weights that reaches top-p of their sum.
std::span<Sampler::Candidate>
Sampler::nucleus(std::span<Candidate> sorted) const {
  if (options.topP >= 1)
    return sorted;
  double total = 0, reached = 0;
  for (const Candidate &c : sorted)
    total += c.first;
  size_t count = 0;
  while (count < sorted.size() && reached < options.topP * total)
    reached += sorted[count++].first;
  return sorted.first(count);
}

Draw Sampler::draw(int64_t position) const {
  if (options.topK > 0 || options.topP < 1)
    return {};
  // So little noise changes no choice, and logits must not overflow.
  bool still = options.temperature < 1e-6;
  return {still ? 0 : float(options.temperature),
          int32_t(random(mix(options.seed), uint64_t(position)))};
}

/// g(key, id) of braid.sample (Dialect.md), of which this is the host's twin.
static float gumbel(uint32_t key, uint32_t id) {
  uint32_t x = id * 0x9e3779b9 + key;
  x = (x ^ (x >> 16)) * 0x7feb352d;
  x = (x ^ (x >> 15)) * 0x846ca68b;
  x ^= x >> 16;
  float u = (float(x >> 1) + 0.5f) * 0x1p-31f;
  return -std::log(-std::log1p(-u));
}

int32_t Sampler::chooseFromAll(const float *logits, Draw draw) const {
  size_t best = 0;
  float highest = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < candidates.size(); ++i) {
    float score = logits[i] / draw.temperature +
                  gumbel(uint32_t(draw.key), uint32_t(i));
    if (score > highest)
      highest = score, best = i;
  }
  return int32_t(best);
}

int32_t Sampler::choose(const float *logits, int64_t position) {
  int32_t best = mostLikely(logits, candidates.size());
  if (Draw all = draw(position); all.temperature >= 0)
    return all.temperature == 0 ? best : chooseFromAll(logits, all);
  std::span<Candidate> chosen = likely(logits);
  for (Candidate &c : chosen)
    c.first = std::exp((c.first - logits[best]) / options.temperature);
  chosen = nucleus(chosen);
  double total = 0;
  for (const Candidate &c : chosen)
    total += c.first;
  double target = total * uniform(mix(options.seed), uint64_t(position));
  for (const Candidate &c : chosen)
    if ((target -= c.first) < 0)
      return c.second;
  return best; // rounding left a rest
}

} // namespace braid::rt
