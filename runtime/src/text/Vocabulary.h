//===- Vocabulary.h - tokens by id and by form ------------------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A byte-level vocabulary writes each byte as one printable character: those
// that are printable in Latin-1 as themselves, the others as U+0100 onwards,
// so that " a" reads as U+0120 "a". After loading everything works on bytes.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_VOCABULARY_H
#define BRAID_RT_TEXT_VOCABULARY_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace braid::rt {
class JsonCursor;

struct Token {
  std::string form;  ///< as the file writes it
  std::string bytes; ///< what it decodes to
  bool used = false; ///< false: no token has this id
  /// All of `form` is in the byte alphabet. If not, it stands for itself.
  bool isByteLevel = false;
  bool isSpecial = false;
};

/// Immutable once loaded. At most `maxId + 1` entries, holes included.
class Vocabulary {
public:
  static constexpr int32_t maxId = (1 << 21) - 1;

  /// Reads {"form": id, ...}. Throws Error: not such an object, two forms with
  /// one id, an id out of range.
  void addAll(const JsonCursor &forms);
  /// Adds one token, or finds it in place. `where` is blamed for a conflict.
  void add(const std::string &form, int32_t id, const JsonCursor &where);
  void markSpecial(int32_t id) { tokens[size_t(id)].isSpecial = true; }

  int32_t size() const { return int32_t(tokens.size()); }
  /// REQUIRES: 0 <= id < size().
  const Token &operator[](int32_t id) const { return tokens[size_t(id)]; }
  std::optional<int32_t> find(const std::string &form) const;

private:
  std::vector<Token> tokens;
  std::unordered_map<std::string, int32_t> ids;
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_VOCABULARY_H
