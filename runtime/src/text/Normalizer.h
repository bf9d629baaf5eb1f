//===- Normalizer.h - Unicode normal form of a prompt -----------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_NORMALIZER_H
#define BRAID_RT_TEXT_NORMALIZER_H

#include <optional>
#include <string>
#include <string_view>

namespace braid::rt {
class JsonCursor;

/// "normalizer" of a tokenizer.json: nothing, NFC, or a Sequence of those.
class Normalizer {
public:
  Normalizer() = default;
  explicit Normalizer(const JsonCursor &json);

  /// True if normalize() returns its input whatever that is.
  bool isIdentity() const { return !composes; }

  /// REQUIRES: `text` is UTF-8. Time is linear in it, up to a logarithm.
  std::string normalize(std::string_view text) const;

private:
  bool composes = false;
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_NORMALIZER_H
