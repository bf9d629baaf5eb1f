//===- braid-rt/sampling.h - choosing the next token ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SAMPLING_H
#define BRAID_RT_SAMPLING_H

#include "braid-rt/session.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace braid::rt {

struct SamplingOptions {
  double temperature = 0; ///< 0: the most likely token.
  int64_t topK = 0;       ///< Only the K most likely; 0: all.
  double topP = 1;        ///< Only the most likely that together reach P.
  uint64_t seed = 0;
};

/// Chooses tokens. The choice depends on options, logits and position alone,
/// not on what was chosen before or beside it. Not thread-safe.
class Sampler {
public:
  /// Throws Error for options out of range.
  Sampler(const SamplingOptions &options, int64_t vocabulary);

  /// How a step has to choose the id that follows `position` tokens so that it
  /// is the one of `choose`, up to the last bits of a logarithm. Not at all if
  /// top-k or top-p leave ids out: which ones, only all logits tell.
  Draw draw(int64_t position) const;
  /// The id that follows `position` tokens. Of equal logits the lowest id comes
  /// first. Allocates nothing. Throws Error if a logit is NaN or infinite (but
  /// -inf means: never).
  int32_t choose(const float *logits, int64_t position);

private:
  using Candidate = std::pair<double, int32_t>; // logit, then weight; id
  int32_t chooseFromAll(const float *logits, Draw draw) const;
  std::span<Candidate> likely(const float *logits);
  std::span<Candidate> nucleus(std::span<Candidate> sorted) const;

  SamplingOptions options;
  std::vector<Candidate> candidates; // [vocabulary]
};

} // namespace braid::rt

#endif // BRAID_RT_SAMPLING_H
