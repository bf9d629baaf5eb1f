//===- braid-rt/golden.h - logits to verify an artefact with --------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// When a model is compiled, its reference schedule (every op's definition as
// plain loops) runs some short sequences of arbitrary ids. What it says of
// their next tokens is stored in the artefact, and the artefact's own kernels
// have to agree, there and on every machine that it is copied to.
//
// All but the last two tokens of every sequence are read in one step, the next
// ones in a second step, the last ones one by one: many rows, few, one.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_GOLDEN_H
#define BRAID_RT_GOLDEN_H

#include "braid-rt/session.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {

/// What is kept of a row of logits.
struct GoldenRow {
  float logSumExp = 0;
  float largest = 0;           ///< Absolute.
  std::vector<int32_t> topIds; ///< Of the largest logits, descending.
  std::vector<float> topLogits;
  std::vector<float> columns; ///< Logits of ids evenly spaced, from 0 on.
};

struct Golden {
  std::vector<std::vector<int32_t>> sequences;
  std::vector<GoldenRow> rows; ///< Of all sequences, one after another.
};

/// How far results may be from the golden ones, and in how many sequences they
/// may be further: where a router's choice hangs on the last bit, or a number
/// lies between two BF16, two right results differ in all that follows.
struct GoldenBar {
  double error; ///< Largest difference, relative to the largest logit of all.
  double kl;    ///< Mean over the rows of a sequence.
  int strays;   ///< Sequences.
};
GoldenBar goldenBar(const std::string &precision);

/// The rows that were run in one way.
struct GoldenPhase {
  const char *name;
  int sequences = 0, agreeing = 0;
  int needed = 0; ///< So many have to agree.
  double error = 0, kl = 0; ///< The worst sequence, strays included.

  bool passed() const { return agreeing >= needed; }
};

/// The shortest context of a model that golden logits can be made for.
inline constexpr int64_t kGoldenContext = 8;

/// Options with which an engine can run golden sequences; the caller adds where
/// the weights are.
EngineOptions goldenOptions();

/// Runs the sequences of an attempt: they follow from its number and the
/// vocabulary. REQUIRES: the engine has goldenOptions().
Golden computeGolden(Engine &engine, int attempt);

/// Runs the same sequences; one entry per phase. Throws Error if they are not
/// for this engine's vocabulary.
std::vector<GoldenPhase> compareGolden(Engine &engine, const Golden &golden);

bool passed(const std::vector<GoldenPhase> &phases);

/// The section's bytes (abi.h), goldenBytes(vocabulary) of them.
std::string encodeGolden(const Golden &golden);
uint64_t goldenBytes(int64_t vocabulary);
/// Throws Error, beginning with `name`: cut, or contradicts itself.
Golden decodeGolden(std::string_view bytes, const std::string &name);

} // namespace braid::rt

#endif // BRAID_RT_GOLDEN_H
