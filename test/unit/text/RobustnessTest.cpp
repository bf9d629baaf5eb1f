//===- RobustnessTest.cpp - long and hostile texts -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SmallTokenizer.h"

#include <random>

namespace braid::rt {
namespace {

Json nemotronLike(const char *normalizer = nullptr) {
  Json json = smallTokenizer();
  Json byteLevel = json["pre_tokenizer"];
  const char *pattern =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"
      "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?"
      "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|"
      "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  json["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"},
                              {"pattern", {{"Regex", pattern}}},
                              {"behavior", "Isolated"},
                              {"invert", false}},
                             byteLevel}}};
  if (normalizer)
    json["normalizer"] = {{"type", normalizer}};
  return json;
}

Json withPattern(const char *pattern) {
  Json json = nemotronLike();
  json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = pattern;
  return json;
}

/// Quadratic work on these would take minutes, not the test's milliseconds.
TEST(Robustness, LongRunsTakeLinearTime) {
  Tokenizer tokenizer = load(nemotronLike());
  for (const char *unit : {"a", "A", " ", "\n", "!", "1", "ab", "abc", " a",
                           "\xE4\xB8\x96", "\xCC\x81", "aA", "\xFF"}) {
    std::string text;
    while (text.size() < 300000)
      text += unit;
    Ids ids = tokenizer.encode(text);
    if (unit[0] != '\xFF')
      EXPECT_EQ(tokenizer.decode(ids), text) << unit;
  }
}

TEST(Robustness, AMillionMarksAreOrderedInTime) {
  std::string text = "a";
  for (int i = 0; i < 300000; ++i)
    text += i % 2 ? "\xCC\xA3" : "\xCC\x81";
  Tokenizer tokenizer = load(nemotronLike("NFC"));
  EXPECT_FALSE(tokenizer.encode(text).empty());
}

TEST(Robustness, ARunawayPatternIsStopped) {
  Tokenizer tokenizer = load(withPattern("(a|aa|aaa)+$x"));
  try {
    tokenizer.encode(std::string(200, 'a') + "!x");
    FAIL() << "expected an error";
  } catch (const Error &error) {
    EXPECT_EQ(std::string(error.what()),
              "t.json: cannot split the text: regular expression of the "
              "pre-tokenizer: match limit exceeded at byte 0");
    EXPECT_FALSE(error.hint.empty());
  }
}

TEST(Robustness, DeepRecursionIsStopped) {
  Tokenizer tokenizer = load(withPattern("(a(?1)?b?)+c"));
  EXPECT_THROW(tokenizer.encode(std::string(3000000, 'a') + "c"), Error);
}

TEST(Robustness, LargePatternsAreRefused) {
  std::string pattern = "((((a{1,999}){1,999}){1,999}){1,999})";
  EXPECT_NE(messageOf(withPattern(pattern.c_str()).dump())
                .find("regular expression is too large"),
            std::string::npos);
  EXPECT_NE(messageOf(withPattern(std::string(70000, 'a').c_str()).dump())
                .find("pattern string is longer than the limit"),
            std::string::npos);
}

TEST(Robustness, AnyBytesRoundTripAsReplacedText) {
  Tokenizer tokenizer = load(nemotronLike());
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 40, 0);
    for (char &c : text)
      c = char(random() % 8 ? random() : "\xF0\x9F\x98\x80"[random() % 4]);
    Ids ids = tokenizer.encode(text);
    std::string once = tokenizer.decode(ids);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(once)), once);
  }
}

} // namespace
} // namespace braid::rt
