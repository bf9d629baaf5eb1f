//===- PreTokenizerTest.cpp - text to words ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "text/PreTokenizer.h"
#include "SmallTokenizer.h"
#include "text/JsonCursor.h"

namespace braid::rt {
namespace {

using Words = std::vector<std::string>;

Words split(const Json &json, std::string_view text) {
  PreTokenizer preTokenizer(JsonCursor(json, "t.json"));
  std::string storage;
  std::vector<std::string_view> words = preTokenizer.split(text, storage);
  return Words(words.begin(), words.end());
}

Json byteLevel(bool prefix, bool regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", prefix},
          {"use_regex", regex}};
}

Json splitThenBytes(const Json &pattern, const char *behavior,
                    bool invert = false) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern", pattern},
             {"behavior", behavior},
             {"invert", invert}},
            byteLevel(false, false)}}};
}

Words splitAt(const std::string &regex, std::string_view text) {
  return split(splitThenBytes({{"Regex", regex}}, "Isolated"), text);
}

TEST(PreTokenizer, Behaviors) {
  auto dash = [](const char *behavior) {
    return split(splitThenBytes({{"String", "-"}}, behavior),
                 "the-final--countdown-");
  };
  EXPECT_EQ(dash("Removed"), (Words{"the", "final", "countdown"}));
  EXPECT_EQ(dash("Isolated"),
            (Words{"the", "-", "final", "-", "-", "countdown", "-"}));
  EXPECT_EQ(dash("MergedWithPrevious"),
            (Words{"the-", "final-", "-", "countdown-"}));
  EXPECT_EQ(dash("MergedWithNext"),
            (Words{"the", "-final", "-", "-countdown", "-"}));
  EXPECT_EQ(dash("Contiguous"),
            (Words{"the", "-", "final", "--", "countdown", "-"}));
}

TEST(PreTokenizer, InvertedBehaviors) {
  auto words = [](const char *behavior) {
    return split(splitThenBytes({{"Regex", "\\w+|[^\\w\\s]+"}}, behavior, true),
                 "How are you doing?");
  };
  EXPECT_EQ(words("Removed"), (Words{"How", "are", "you", "doing", "?"}));
  EXPECT_EQ(words("MergedWithNext"),
            (Words{"How", " are", " you", " doing", "?"}));
  EXPECT_EQ(words("Contiguous"),
            (Words{"How", " ", "are", " ", "you", " ", "doing?"}));
}

TEST(PreTokenizer, ALiteralIsNoPattern) {
  EXPECT_EQ(split(splitThenBytes({{"String", "."}}, "Isolated"), "a.b"),
            (Words{"a", ".", "b"}));
}

TEST(PreTokenizer, PrefixSpace) {
  EXPECT_EQ(split(byteLevel(true, true), "Hi you"), (Words{" Hi", " you"}));
  EXPECT_EQ(split(byteLevel(true, true), " Hi"), (Words{" Hi"}));
  EXPECT_EQ(split(byteLevel(false, true), "Hi"), (Words{"Hi"}));
  EXPECT_EQ(split(byteLevel(true, true), ""), Words{});
}

TEST(PreTokenizer, LookaheadAndPossession) {
  EXPECT_EQ(splitAt("\\s+(?!\\S)|\\s+", "a   b"), (Words{"a", "  ", " ", "b"}));
  EXPECT_EQ(splitAt("[a-z]++|\\d{1,3}+|[^a-z]?+", "ab1234"),
            (Words{"ab", "123", "4"}));
  EXPECT_EQ(splitAt("(?i:'s|'t)", "it'S"), (Words{"it", "'S"}));
}

TEST(PreTokenizer, EmptyMatchesCut) {
  EXPECT_EQ(splitAt("(?=[A-Z])", "oneTwoThree"),
            (Words{"one", "Two", "Three"}));
  EXPECT_EQ(splitAt("", "\xC3\xA9x"), (Words{"\xC3\xA9", "x"}));
}

TEST(PreTokenizer, EscapesMeanWhatOnigurumaMeans) {
  // U+180E is no white space, marks and connectors are in words, \h is a
  // hexadecimal digit, {,2} counts from zero.
  EXPECT_EQ(splitAt("\\s", "a\xE1\xA0\x8E"
                           "b\xC2\x85"),
            (Words{"a\xE1\xA0\x8E"
                   "b",
                   "\xC2\x85"}));
  EXPECT_EQ(splitAt("\\w+", "e\xCC\x81\xE2\x80\xBF-"),
            (Words{"e\xCC\x81\xE2\x80\xBF", "-"}));
  EXPECT_EQ(splitAt("\\h+", "xfF0 "), (Words{"x", "fF0", " "}));
  EXPECT_EQ(splitAt("xa{,2}", "xaaa"), (Words{"xaa", "a"}));
  EXPECT_EQ(splitAt("\\u00e9[\\s]", "\xC3\xA9 "), (Words{"\xC3\xA9 "}));
  EXPECT_EQ(splitAt("[]x]|[^]x]", "]a"), (Words{"]", "a"}));
  EXPECT_EQ(splitAt("[[:digit:]]+", "a12"), (Words{"a", "12"}));
}

TEST(PreTokenizer, RefusesByName) {
  auto message = [](const Json &json) -> std::string {
    try {
      PreTokenizer{JsonCursor(json, "t.json")};
    } catch (const Error &error) {
      return error.what();
    }
    return "no error";
  };
  auto regex = [&](const char *pattern) {
    return message(splitThenBytes({{"Regex", pattern}}, "Isolated"));
  };
  EXPECT_EQ(message({{"type", "Metaspace"}}),
            "t.json: pre-tokenizer \"Metaspace\" is not supported");
  EXPECT_EQ(message({{"type", "Sequence"}, {"pretokenizers", Json::array()}}),
            "t.json: expected ByteLevel at the end, found none");
  EXPECT_EQ(message({{"type", "Sequence"},
                     {"pretokenizers",
                      {byteLevel(false, true), {{"type", "Digits"}}}}}),
            "t.json: pretokenizers[1]: expected ByteLevel at the end, found "
            "\"Digits\" after it");
  EXPECT_EQ(message(splitThenBytes({{"Regex", "a"}}, "Sideways")),
            "t.json: pretokenizers[0].behavior: expected Removed, Isolated, "
            "MergedWithPrevious, MergedWithNext or Contiguous, found "
            "\"Sideways\"");
  std::string at = "t.json: pretokenizers[0].pattern.Regex: regular expression:"
                   " ";
  EXPECT_EQ(regex("(a"), at + "missing closing parenthesis at 2 of \"(a\"");
  EXPECT_EQ(regex("[a-z&&[^b]]"), at + "nested or intersected character "
                                       "classes are not supported");
  EXPECT_EQ(regex("[\\S]"),
            at + "\\S inside a character class is not supported");
  EXPECT_EQ(regex("(?m:.)"), at + "the options m and s are not supported");
  EXPECT_EQ(regex("\\u00"),
            at + "expected four hexadecimal digits after \\u, found \"00\"");
}

} // namespace
} // namespace braid::rt
