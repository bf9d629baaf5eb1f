//===- Utf8.cpp - whole, cut and broken characters ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Utf8.h"

#include <algorithm>
#include <utf8proc.h>

namespace braid::rt {
namespace {

/// What a lead byte promises: the length of the character and the range of its
/// second byte, which excludes overlong forms, surrogates and > U+10FFFF.
struct Lead {
  unsigned length; ///< 0: not a lead byte
  uint8_t low = 0x80, high = 0xBF;
};

Lead leadOf(uint8_t byte) {
  if (byte < 0x80)
    return {1};
  if (byte < 0xC2)
    return {0};
  if (byte < 0xE0)
    return {2};
  if (byte < 0xF0)
    return {3, uint8_t(byte == 0xE0 ? 0xA0 : 0x80),
            uint8_t(byte == 0xED ? 0x9F : 0xBF)};
  if (byte < 0xF5)
    return {4, uint8_t(byte == 0xF0 ? 0x90 : 0x80),
            uint8_t(byte == 0xF4 ? 0x8F : 0xBF)};
  return {0};
}

/// Bytes before the first that is not ASCII.
size_t asciiPrefix(std::string_view text) {
  auto it = std::find_if(text.begin(), text.end(),
                         [](char c) { return uint8_t(c) >= 0x80; });
  return size_t(it - text.begin());
}

} // namespace

Utf8Step utf8Step(std::string_view text) {
  uint8_t first = uint8_t(text[0]);
  Lead lead = leadOf(first);
  if (lead.length == 0)
    return {Utf8Step::Broken, 1, 0xFFFD};
  char32_t codePoint =
      lead.length == 1 ? first : first & (0x7Fu >> lead.length);
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size())
      return {Utf8Step::Cut, i, 0xFFFD};
    uint8_t byte = uint8_t(text[i]);
    if (byte < (i == 1 ? lead.low : 0x80) || byte > (i == 1 ? lead.high : 0xBF))
      return {Utf8Step::Broken, i, 0xFFFD};
    codePoint = codePoint << 6 | (byte & 0x3F);
  }
  return {Utf8Step::Whole, lead.length, codePoint};
}

bool isUtf8(std::string_view text) {
  while (true) {
    text.remove_prefix(asciiPrefix(text));
    if (text.empty())
      return true;
    Utf8Step step = utf8Step(text);
    if (step.kind != Utf8Step::Whole)
      return false;
    text.remove_prefix(step.length);
  }
}

size_t completePrefix(std::string_view text) {
  // A cut character is at most three bytes: a lead and two continuations.
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    size_t start = text.size() - back;
    if ((uint8_t(text[start]) & 0xC0) == 0x80)
      continue;
    Utf8Step step = utf8Step(text.substr(start));
    bool cut = step.kind == Utf8Step::Cut && step.length == back;
    return cut ? start : text.size();
  }
  return text.size();
}

std::string replaceInvalid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    Utf8Step step = utf8Step(text);
    if (step.kind == Utf8Step::Whole)
      out.append(text.substr(0, step.length));
    else
      out.append("\xEF\xBF\xBD");
    text.remove_prefix(step.length);
  }
  return out;
}

void appendUtf8(std::string &out, char32_t codePoint) {
  utf8proc_uint8_t bytes[4];
  auto length = utf8proc_encode_char(utf8proc_int32_t(codePoint), bytes);
  out.append(reinterpret_cast<char *>(bytes), size_t(length));
}

bool isWhiteSpace(char32_t codePoint) {
  if ((codePoint >= 0x09 && codePoint <= 0x0D) || codePoint == 0x85)
    return true;
  auto category = utf8proc_category(utf8proc_int32_t(codePoint));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool isWordCharacter(char32_t codePoint) {
  if (codePoint == 0x200C || codePoint == 0x200D)
    return true;
  switch (utf8proc_category(utf8proc_int32_t(codePoint))) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_PC:
    return true;
  default:
    return false;
  }
}

char32_t lastCharacter(std::string_view text, size_t &start) {
  start = text.size() - 1;
  while (start > 0 && (uint8_t(text[start]) & 0xC0) == 0x80)
    --start;
  return utf8Step(text.substr(start)).codePoint;
}

} // namespace braid::rt
