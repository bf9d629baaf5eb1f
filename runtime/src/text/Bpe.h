//===- Bpe.h - byte pair encoding of one word -------------------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_BPE_H
#define BRAID_RT_TEXT_BPE_H

#include "Vocabulary.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace braid::rt {
class JsonCursor;

/// Pairs of tokens that may become one, the lowest rank first.
class MergeTable {
public:
  struct Rule {
    int32_t right;
    int32_t rank;
    int32_t result;
  };

  /// Reads ["a b", ...] or [["a", "b"], ...] in order of rank.
  MergeTable(const JsonCursor &merges, const Vocabulary &vocabulary);

  /// The rule of the pair, or null.
  const Rule *find(int32_t left, int32_t right) const;

private:
  // Rules of the left token l: rules[rowStart[l]] .. rules[rowStart[l + 1]],
  // sorted by right token. Sorted rows, not a hash table: no file can make
  // look-ups slow.
  std::vector<uint32_t> rowStart;
  std::vector<Rule> rules;
};

/// "model" of a tokenizer.json of type BPE. Immutable, thread-safe.
class Bpe {
public:
  /// Adds the model's tokens to `vocabulary`, which is only read later.
  static Bpe fromJson(const JsonCursor &model, Vocabulary &vocabulary);

  /// Special tokens are known only after the model is read: text never becomes
  /// one of them by being equal to it.
  void forbidWholeWord(int32_t id, const Vocabulary &vocabulary);

  /// Appends the ids of `word`, at least one byte, at most 2 GiB. Time is
  /// O(n log n). Throws Error for a byte without a token.
  void encode(std::string_view word, std::vector<int32_t> &ids) const;

private:
  explicit Bpe(MergeTable merges) : merges(std::move(merges)) {}

  void readBytes(const Vocabulary &vocabulary);
  void readUnknown(const JsonCursor &model, const Vocabulary &vocabulary);
  std::vector<int32_t> symbolsOf(std::string_view word) const;

  static constexpr int32_t none = -1;

  MergeTable merges;
  std::array<int32_t, 256> byteIds;
  int32_t unknownId = none;
  bool fuseUnknown = false;
  /// With "ignore_merges": a word that is a token is that token.
  std::unordered_map<std::string, int32_t> wholeWords;
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_BPE_H
