//===- BpeTest.cpp - merging against a slow and obvious merger -----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "text/Bpe.h"
#include "SmallTokenizer.h"
#include "text/JsonCursor.h"

#include <limits>
#include <random>

namespace braid::rt {
namespace {

/// Again and again the leftmost pair of lowest rank, until none is left.
Ids mergeSlowly(const MergeTable &merges, Ids symbols) {
  while (true) {
    const MergeTable::Rule *best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto *rule = merges.find(symbols[i], symbols[i + 1]);
      if (rule && (!best || rule->rank < best->rank))
        best = rule, at = i;
    }
    if (!best)
      return symbols;
    symbols[at] = best->result;
    symbols.erase(symbols.begin() + long(at) + 1);
  }
}

/// Random merges over the letters a..e.
Json randomModel(std::mt19937 &random) {
  Json model = smallTokenizer()["model"];
  model["merges"] = Json::array();
  std::vector<std::string> forms = {"a", "b", "c", "d", "e"};
  for (int id = 258; id < 300; ++id) {
    std::string left = forms[random() % forms.size()];
    std::string right = forms[random() % forms.size()];
    if (!model["vocab"].contains(left + right)) {
      model["vocab"][left + right] = id;
      forms.push_back(left + right);
    }
    model["merges"].push_back(Json::array({left, right}));
  }
  return parseJson(model.dump(), "model");
}

TEST(Bpe, MergesAsTheSlowMergerDoes) {
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    Json model = randomModel(random);
    JsonCursor cursor(model, "t.json");
    Vocabulary vocabulary;
    Bpe bpe = Bpe::fromJson(cursor, vocabulary);
    MergeTable merges(cursor.at("merges"), vocabulary);
    for (int i = 0; i < 50; ++i) {
      std::string word(1 + random() % 60, 'a');
      for (char &c : word)
        c = char('a' + random() % 5);
      Ids fast;
      bpe.encode(word, fast);
      EXPECT_EQ(fast, mergeSlowly(merges, bytes(word))) << word;
    }
  }
}

TEST(Bpe, ReadsMergesInBothSpellings) {
  Json json = smallTokenizer();
  EXPECT_EQ(load(json).encode("xabc"), (Ids{'x', 257}));
  json["model"]["merges"] =
      Json::array({Json::array({"a", "b"}), Json::array({"ab", "c"})});
  EXPECT_EQ(load(json).encode("xabc"), (Ids{'x', 257}));
}

TEST(Bpe, ReadsFilesWithoutAModelType) {
  Json json = smallTokenizer();
  json["model"].erase("type");
  EXPECT_EQ(load(json).encode("ab"), (Ids{256}));
}

TEST(Bpe, IgnoreMergesTakesWholeWords) {
  Json json = smallTokenizer();
  json["model"]["vocab"]["hello"] = 258;
  EXPECT_EQ(load(json).encode("hello"), bytes("hello"));
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(load(json).encode("hello"), (Ids{258}));
}

TEST(Bpe, AWholeWordIsNeverASpecialToken) {
  Json json = smallTokenizer();
  json["model"]["vocab"]["stop"] = 258;
  json["model"]["ignore_merges"] = true;
  json["added_tokens"] = {
      {{"id", 258}, {"content", "stop"}, {"special", true}}};
  EXPECT_EQ(load(json).encode("stop"), bytes("stop"));
  EXPECT_EQ(load(json).encode("stop", {false, true}), (Ids{258}));
}

TEST(Bpe, UnknownBytesBecomeTheUnknownToken) {
  Json json = smallTokenizer();
  json["model"]["vocab"].erase("x");
  EXPECT_THROW(load(json).encode("axxb"), Error);
  json["model"]["unk_token"] = "?";
  EXPECT_EQ(load(json).encode("axxb"), (Ids{'a', '?', '?', 'b'}));
  json["model"]["fuse_unk"] = true;
  EXPECT_EQ(load(json).encode("axxb"), (Ids{'a', '?', 'b'}));
}

TEST(Vocabulary, DecodesTheByteAlphabet) {
  Tokenizer tokenizer = load(smallTokenizer());
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_EQ(tokenizer.bytesOf(byte), std::string(1, char(byte)));
  EXPECT_EQ(tokenizer.tokenOf(' '), "\xC4\xA0");
  EXPECT_EQ(tokenizer.vocabularySize(), 258);
}

TEST(Vocabulary, DecodeReplacesBrokenCharacters) {
  Tokenizer tokenizer = load(smallTokenizer());
  EXPECT_EQ(tokenizer.decode({'a', 0xF0, 0x9F, 'b'}), "a\xEF\xBF\xBD"
                                                      "b");
}

TEST(Vocabulary, RefusesIdsOutOfRange) {
  Json json = smallTokenizer();
  json["model"]["vocab"]["zz"] = 300;
  Tokenizer tokenizer = load(json);
  for (int32_t id : {-1, 301, 299, std::numeric_limits<int32_t>::max()}) {
    EXPECT_THROW(tokenizer.decode({id}), Error) << id;
    EXPECT_THROW(tokenizer.tokenOf(id), Error) << id;
    EXPECT_THROW(tokenizer.isSpecial(id), Error) << id;
  }
  EXPECT_EQ(tokenizer.tokenOf(300), "zz");
}

} // namespace
} // namespace braid::rt
