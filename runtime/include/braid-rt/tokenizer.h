//===- braid-rt/tokenizer.h - text to ids and back -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TOKENIZER_H
#define BRAID_RT_TOKENIZER_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {

struct EncodeOptions {
  /// Run the post-processor (adds <s> and the like where the file says so).
  bool addSpecial = false;
  /// Recognise special tokens written in the text; otherwise they are plain
  /// text. Added tokens that are not special are always recognised.
  bool parseSpecial = false;
};

/// A tokenizer.json. Immutable after construction, hence thread-safe.
class Tokenizer {
public:
  /// `json` is the file's text, `name` its path for messages. Throws Error for
  /// malformed files and, by name, for what is not supported (a model other
  /// than BPE, an unknown pre-tokenizer, normalizer, post-processor, decoder).
  static Tokenizer fromJson(std::string_view json, const std::string &name);

  Tokenizer(Tokenizer &&) noexcept;
  Tokenizer &operator=(Tokenizer &&) noexcept;
  ~Tokenizer();

  /// Ids of `text`. Bytes that are not UTF-8 are replaced by U+FFFD first.
  std::vector<int32_t> encode(std::string_view text,
                              const EncodeOptions &options = {}) const;
  /// Text of `ids`; bytes that are not UTF-8 become U+FFFD.
  /// Throws Error for an id out of range.
  std::string decode(const std::vector<int32_t> &ids,
                     bool skipSpecial = true) const;
  /// Raw bytes of one id, for streaming: concatenate, cut at whole characters.
  /// Empty for an id without a token: models pad their vocabulary, and may
  /// choose such an id.
  std::string bytesOf(int32_t id, bool skipSpecial = true) const;
  /// The id's form in the vocabulary, for display. Throws Error.
  std::string_view tokenOf(int32_t id) const;
  int32_t vocabularySize() const;
  bool isSpecial(int32_t id) const;

private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace braid::rt

#endif // BRAID_RT_TOKENIZER_H
