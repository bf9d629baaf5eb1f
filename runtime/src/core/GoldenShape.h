//===- GoldenShape.h - how many golden logits there are
//--------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_GOLDENSHAPE_H
#define BRAID_RT_SRC_CORE_GOLDENSHAPE_H

#include "braid-rt/golden.h"

#include <iterator>

namespace braid::rt {

using Sequences = std::vector<std::vector<int32_t>>;

/// Tokens that are read in one step; two more follow. 24 rows in all: more than
/// the tiles of any contraction.
inline constexpr int kPromptLengths[] = {6, 3, 5, 2, 4, 4};
inline constexpr int kSequences = int(std::size(kPromptLengths));
inline constexpr int64_t kPromptRows = 24;
inline constexpr int64_t kRows = kPromptRows + 2 * kSequences;
/// Kept of each row, or the vocabulary if that is less.
inline constexpr int64_t kTop = 32, kColumns = 96;

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_GOLDENSHAPE_H
