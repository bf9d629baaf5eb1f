//===- braid-rt/sampling.h - choosing the next token ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SAMPLING_H
#define BRAID_RT_SAMPLING_H

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

  /// The id that follows `position` tokens. Of equal logits the lowest id comes
  /// first. Allocates nothing. Throws Error if a logit is NaN or infinite (but
  /// -inf means: never).
  int32_t choose(const float *logits, int64_t position);

private:
  using Candidate = std::pair<double, int32_t>; // logit, then weight; id
  std::span<Candidate> likely(const float *logits);
  std::span<Candidate> nucleus(std::span<Candidate> sorted) const;

  SamplingOptions options;
  std::vector<Candidate> candidates; // [vocabulary]
};

} // namespace braid::rt

#endif // BRAID_RT_SAMPLING_H
