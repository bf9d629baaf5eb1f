//===- AddedTokens.h - tokens found in the text itself ----------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_ADDEDTOKENS_H
#define BRAID_RT_TEXT_ADDEDTOKENS_H

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {
class JsonCursor;

struct AddedToken {
  int32_t id;
  bool isSpecial;
  bool singleWord;  ///< no word character may stand beside it
  bool stripsLeft;  ///< swallows white space before it
  bool stripsRight; ///< swallows white space after it

  /// Reads one entry of "added_tokens", all but its text.
  static AddedToken fromJson(const JsonCursor &json);
};

/// Finds added tokens, from left to right, the longest first. Immutable once
/// filled.
class AddedTokens {
public:
  /// Longest accepted text of a token; bounds the time per byte of `cut`.
  static constexpr size_t maxBytes = 1024;

  /// An empty text is never found. `where` is blamed for a text too long.
  void add(const std::string &text, const AddedToken &token,
           const JsonCursor &where);

  struct Piece {
    std::string_view text;
    std::optional<int32_t> id; ///< none: the text between tokens
  };
  /// Cuts `text` (UTF-8) into added tokens and what is between them.
  std::vector<Piece> cut(std::string_view text, bool withSpecial) const;

private:
  struct Match {
    size_t length = 0;
    const AddedToken *token = nullptr;
  };
  Match longestAt(std::string_view text, bool withSpecial) const;

  // A trie: the child of (node, byte); node 0 is the root.
  std::map<std::pair<uint32_t, uint8_t>, uint32_t> children;
  std::map<uint32_t, AddedToken> ends;
  uint32_t nodes = 1;
  std::array<bool, 256> starts{};
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_ADDEDTOKENS_H
