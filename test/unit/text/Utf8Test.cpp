//===- Utf8Test.cpp - whole, cut and broken characters -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "text/Utf8.h"

#include <gtest/gtest.h>

namespace braid::rt {
namespace {

constexpr const char *mark = "\xEF\xBF\xBD";

TEST(Utf8, CompletePrefixKeepsBackCutCharacters) {
  EXPECT_EQ(completePrefix(""), 0u);
  EXPECT_EQ(completePrefix("abc"), 3u);
  std::string wolf = "x\xF0\x9F\x90\xBA";
  EXPECT_EQ(completePrefix(wolf), 5u);
  for (size_t length = 2; length < 5; ++length)
    EXPECT_EQ(completePrefix(wolf.substr(0, length)), 1u) << length;
  EXPECT_EQ(completePrefix("a\xC3"), 1u);
  EXPECT_EQ(completePrefix("a\xC3\xA9"), 3u);
}

TEST(Utf8, CompletePrefixDoesNotWaitForBrokenBytes) {
  EXPECT_EQ(completePrefix("a\x80"), 2u);
  EXPECT_EQ(completePrefix("a\x80\x80\x80\x80"), 5u);
  EXPECT_EQ(completePrefix("a\xFF"), 2u);
  EXPECT_EQ(completePrefix("a\xE0\x80"), 3u);     // overlong
  EXPECT_EQ(completePrefix("a\xED\xA0"), 3u);     // surrogate
  EXPECT_EQ(completePrefix("a\xC3\xA9\x80"), 4u); // one continuation too many
}

TEST(Utf8, ReplacesMaximalSubparts) {
  EXPECT_EQ(replaceInvalid("abc"), "abc");
  EXPECT_EQ(replaceInvalid("a\xF0\x9F\x90"), std::string("a") + mark);
  EXPECT_EQ(replaceInvalid("\xF0\x9F z"), std::string(mark) + " z");
  EXPECT_EQ(replaceInvalid("\xC0\x80"), std::string(mark) + mark);
  EXPECT_EQ(replaceInvalid("\xED\xA0\x80"), std::string(mark) + mark + mark);
  EXPECT_EQ(replaceInvalid("\xF4\x90\x80\x80"),
            std::string(mark) + mark + mark + mark);
  EXPECT_EQ(replaceInvalid("\xE4\xB8\xE4\xB8\x96"),
            std::string(mark) + "\xE4\xB8\x96");
}

TEST(Utf8, EveryCodePointSurvives) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point < 0xE000)
      continue;
    std::string text;
    appendUtf8(text, point);
    Utf8Step step = utf8Step(text);
    ASSERT_EQ(step.kind, Utf8Step::Whole);
    ASSERT_EQ(step.length, text.size());
    ASSERT_EQ(step.codePoint, point);
    ASSERT_TRUE(isUtf8(text));
    ASSERT_EQ(completePrefix(text), text.size());
    size_t start;
    ASSERT_EQ(lastCharacter("x" + text, start), point);
    ASSERT_EQ(start, 1u);
  }
}

TEST(Utf8, Classes) {
  for (char32_t space : {U' ', U'\t', U'\r', U'\x85', U'\u00A0', U'\u2028'})
    EXPECT_TRUE(isWhiteSpace(space));
  for (char32_t other : {U'a', U'\u200B', U'\u180E', U'\uFEFF'})
    EXPECT_FALSE(isWhiteSpace(other));
  for (char32_t word : {U'a', U'_', U'9', U'\u0301', U'\u4E16', U'\u200D'})
    EXPECT_TRUE(isWordCharacter(word));
  for (char32_t other : {U' ', U'-', U'\u00BD', U'\u20AC'})
    EXPECT_FALSE(isWordCharacter(other));
}

} // namespace
} // namespace braid::rt
