//===- AddedTokensTest.cpp - tokens found in the text itself -------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SmallTokenizer.h"

namespace braid::rt {
namespace {

/// One added token "<m>" of id 258 with the given settings.
Tokenizer withToken(Json settings, Json normalizer = nullptr) {
  Json json = smallTokenizer();
  settings["id"] = 258;
  if (!settings.contains("content"))
    settings["content"] = "<m>";
  json["added_tokens"].push_back(settings);
  json["normalizer"] = normalizer;
  return load(json);
}

/// `text` in bytes, with `|` for the token.
Ids ids(std::string_view text) {
  Ids result = bytes(text);
  std::replace(result.begin(), result.end(), int32_t('|'), int32_t(258));
  return result;
}

TEST(AddedTokens, AreFoundInsideWords) {
  Tokenizer tokenizer = withToken(Json::object());
  EXPECT_EQ(tokenizer.encode("<m>a<m>b<m"), ids("|a|b<m"));
  EXPECT_EQ(tokenizer.encode("<<m>m>"), ids("<|m>"));
}

TEST(AddedTokens, SpecialOnesOnlyWhenAsked) {
  Tokenizer tokenizer = withToken({{"special", true}});
  EXPECT_EQ(tokenizer.encode("a<m>"), ids("a<m>"));
  EXPECT_EQ(tokenizer.encode("a<m>", {false, true}), ids("a|"));
}

TEST(AddedTokens, SingleWord) {
  Tokenizer tokenizer = withToken({{"single_word", true}});
  EXPECT_EQ(tokenizer.encode("<m> A<m> <m>x _<m> -<m>."),
            ids("| A<m> <m>x _<m> -|."));
  // A combining mark is part of a word.
  EXPECT_EQ(tokenizer.encode("\xCC\xB0<m>"), ids("\xCC\xB0<m>"));
}

TEST(AddedTokens, Strip) {
  const char *text = "a \t<m> \xE2\x80\x80 b <m>";
  EXPECT_EQ(withToken({{"lstrip", true}}).encode(text),
            ids("a| \xE2\x80\x80 b|"));
  EXPECT_EQ(withToken({{"rstrip", true}}).encode(text), ids("a \t|b |"));
  EXPECT_EQ(withToken({{"lstrip", true}, {"rstrip", true}}).encode("<m>  <m>"),
            ids("||"));
}

TEST(AddedTokens, NormalizedOnesMatchNormalizedText) {
  Json nfc = {{"type", "NFC"}};
  // U+1EA1, which is a and U+0323 composed.
  Json token = {{"content", "\xE1\xBA\xA1"}, {"normalized", true}};
  EXPECT_EQ(withToken(token, nfc).encode("a\xCC\xA3!"), ids("|!"));
  token["normalized"] = false;
  EXPECT_EQ(withToken(token, nfc).encode("a\xCC\xA3!"), ids("\xE1\xBA\xA1!"));
}

TEST(AddedTokens, TheLongestWins) {
  Json json = smallTokenizer();
  json["added_tokens"] = {
      {{"id", 258}, {"content", "<a"}},
      {{"id", 259}, {"content", "<ab>"}},
      {{"id", 260}, {"content", "<ab>c"}, {"special", true}}};
  Tokenizer tokenizer = load(json);
  EXPECT_EQ(tokenizer.encode("<ab>c<ab"), (Ids{259, 'c', 258, 'b'}));
  EXPECT_EQ(tokenizer.encode("<ab>c", {false, true}), (Ids{260}));
}

TEST(AddedTokens, KeepForeignCharacters) {
  // A space is not in the byte alphabet, so the text stands for itself.
  Tokenizer tokenizer = withToken({{"content", "new line"}});
  EXPECT_EQ(tokenizer.encode("a new line"), ids("a |"));
  EXPECT_EQ(tokenizer.decode({258}), "new line");
}

} // namespace
} // namespace braid::rt
