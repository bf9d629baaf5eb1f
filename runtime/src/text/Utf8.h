//===- Utf8.h - whole, cut and broken characters ----------------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_UTF8_H
#define BRAID_RT_TEXT_UTF8_H

#include <cstdint>
#include <string>
#include <string_view>

namespace braid::rt {

/// What stands at the start of some bytes.
struct Utf8Step {
  enum Kind {
    Whole,  ///< a character
    Broken, ///< bytes that no continuation makes a character
    Cut,    ///< the beginning of a character; the text ends inside it
  };
  Kind kind;
  /// Bytes it takes, at least 1. Broken and Cut sequences are as long as the
  /// longest well-formed beginning (Unicode 3.9, "maximal subpart").
  size_t length;
  /// The code point if Whole, otherwise U+FFFD.
  char32_t codePoint;
};

/// REQUIRES: `text` is not empty.
Utf8Step utf8Step(std::string_view text);

bool isUtf8(std::string_view text);

/// Length of the longest prefix that does not end inside a character. Broken
/// bytes count as complete: waiting for more would not mend them.
size_t completePrefix(std::string_view text);

/// Every broken or cut sequence becomes one U+FFFD.
std::string replaceInvalid(std::string_view text);

void appendUtf8(std::string &out, char32_t codePoint);

/// Unicode's White_Space.
bool isWhiteSpace(char32_t codePoint);

/// What regular expressions mean by `\w`: letters, marks, decimal numbers,
/// connectors, letter numbers and the two joiners.
bool isWordCharacter(char32_t codePoint);

/// The last character of valid UTF-8 text that is not empty, and its start.
char32_t lastCharacter(std::string_view text, size_t &start);

} // namespace braid::rt

#endif // BRAID_RT_TEXT_UTF8_H
