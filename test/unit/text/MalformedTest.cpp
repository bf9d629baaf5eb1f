//===- MalformedTest.cpp - every broken file gives one clear error -------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SmallTokenizer.h"

#include <functional>

namespace braid::rt {
namespace {

struct Malformed {
  const char *name;
  std::function<void(Json &)> change;
  const char *message;
};

/// gtest prints the parameter of a test it lists.
void PrintTo(const Malformed &malformed, std::ostream *os) {
  *os << malformed.name;
}

class MalformedFile : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedFile, GivesOneClearError) {
  Json json = smallTokenizer();
  GetParam().change(json);
  EXPECT_EQ(messageOf(json.dump()), GetParam().message);
}

Json token(const Json &id, const char *content) {
  return {{"id", id}, {"content", content}};
}

INSTANTIATE_TEST_SUITE_P(
    Files, MalformedFile,
    testing::Values(
        Malformed{"list", [](Json &j) { j = Json::array(); },
                  "t.json: expected an object, found an array"},
        Malformed{"no_model", [](Json &j) { j.erase("model"); },
                  "t.json: expected the key 'model', found none"},
        Malformed{"unigram", [](Json &j) { j["model"]["type"] = "Unigram"; },
                  "t.json: model.type: tokenizer model \"Unigram\" is not "
                  "supported"},
        Malformed{"wordpiece",
                  [](Json &j) { j["model"]["type"] = "WordPiece"; },
                  "t.json: model.type: tokenizer model \"WordPiece\" is not "
                  "supported"},
        Malformed{"dropout", [](Json &j) { j["model"]["dropout"] = 0.1; },
                  "t.json: model.dropout: dropout is not supported"},
        Malformed{"byte_fallback",
                  [](Json &j) { j["model"]["byte_fallback"] = true; },
                  "t.json: model: byte_fallback is not supported"},
        Malformed{"suffix",
                  [](Json &j) { j["model"]["end_of_word_suffix"] = "</w>"; },
                  "t.json: model.end_of_word_suffix: end_of_word_suffix is not "
                  "supported"},
        Malformed{
            "prefix",
            [](Json &j) { j["model"]["continuing_subword_prefix"] = "##"; },
            "t.json: model.continuing_subword_prefix: "
            "continuing_subword_prefix is not supported"},
        Malformed{"no_vocab", [](Json &j) { j["model"].erase("vocab"); },
                  "t.json: model: expected the key 'vocab', found none"},
        Malformed{"vocab_list",
                  [](Json &j) { j["model"]["vocab"] = Json::array(); },
                  "t.json: model.vocab: expected an object of ids, found "
                  "something else"},
        Malformed{"negative_id", [](Json &j) { j["model"]["vocab"]["q"] = -1; },
                  "t.json: model.vocab: token \"q\": expected an id in "
                  "0..2097151, found \"-1\""},
        Malformed{"huge_id",
                  [](Json &j) { j["model"]["vocab"]["q"] = 4000000000u; },
                  "t.json: model.vocab: token \"q\": expected an id in "
                  "0..2097151, found \"4000000000\""},
        Malformed{"shared_id", [](Json &j) { j["model"]["vocab"]["qq"] = 97; },
                  "t.json: model.vocab: token \"qq\": expected a free id, "
                  "found 97 of \"a\""},
        Malformed{"no_merges", [](Json &j) { j["model"].erase("merges"); },
                  "t.json: model: expected the key 'merges', found none"},
        Malformed{"merge_number", [](Json &j) { j["model"]["merges"][1] = 7; },
                  "t.json: model.merges[1]: expected a string, found 7"},
        Malformed{"merge_one_word",
                  [](Json &j) { j["model"]["merges"][1] = "ab"; },
                  "t.json: model.merges[1]: expected two tokens and one space, "
                  "found \"ab\""},
        Malformed{"merge_three",
                  [](Json &j) {
                    j["model"]["merges"][1] = {"a", "b", "c"};
                  },
                  "t.json: model.merges[1]: expected two tokens, found 3"},
        Malformed{"merge_unknown",
                  [](Json &j) { j["model"]["merges"][1] = "a zz"; },
                  "t.json: model.merges[1]: expected a token of the "
                  "vocabulary, found \"zz\""},
        Malformed{"merge_result",
                  [](Json &j) { j["model"]["merges"][1] = "a d"; },
                  "t.json: model.merges[1]: expected a token of the "
                  "vocabulary, found \"ad\""},
        Malformed{"unknown_token",
                  [](Json &j) { j["model"]["unk_token"] = "<unk>"; },
                  "t.json: model.unk_token: expected a token of the "
                  "vocabulary, found \"<unk>\""},
        Malformed{"no_pre_tokenizer",
                  [](Json &j) { j["pre_tokenizer"] = nullptr; },
                  "t.json: expected the key 'pre_tokenizer', found none"},
        Malformed{"no_decoder", [](Json &j) { j["decoder"] = nullptr; },
                  "t.json: expected the key 'decoder', found none"},
        Malformed{"decoder",
                  [](Json &j) { j["decoder"]["type"] = "Metaspace"; },
                  "t.json: decoder: decoder \"Metaspace\" is not supported"},
        Malformed{"added_no_id",
                  [](Json &j) {
                    j["added_tokens"] = {{{"content", "x"}}};
                  },
                  "t.json: added_tokens[0]: expected the key 'id', found "
                  "none"},
        Malformed{"added_huge_id",
                  [](Json &j) { j["added_tokens"] = {token(1u << 31, "x")}; },
                  "t.json: added_tokens[0].id: expected an integer in "
                  "0..2097151, found 2147483648"},
        Malformed{"added_other_id",
                  [](Json &j) { j["added_tokens"] = {token(5, "ab")}; },
                  "t.json: added_tokens[0]: token \"ab\": expected id 256 as "
                  "given before, found 5"},
        Malformed{"added_taken_id",
                  [](Json &j) { j["added_tokens"] = {token(97, "zz")}; },
                  "t.json: added_tokens[0]: token \"zz\": expected a free id, "
                  "found 97 of \"a\""},
        Malformed{"added_long",
                  [](Json &j) {
                    j["added_tokens"] = {
                        token(300, std::string(1025, 'x').c_str())};
                  },
                  "t.json: added_tokens[0]: expected an added token of at "
                  "most 1024 bytes, found 1025"},
        Malformed{"added_flag",
                  [](Json &j) {
                    j["added_tokens"] = {token(300, "x")};
                    j["added_tokens"][0]["content"] = "xx";
                    j["added_tokens"][0]["lstrip"] = "yes";
                  },
                  "t.json: added_tokens[0].lstrip: expected true or false, "
                  "found \"yes\""}),
    [](const auto &info) { return std::string(info.param.name); });

TEST(MalformedText, GivesOneClearError) {
  EXPECT_NE(messageOf("").find("t.json"), std::string::npos);
  EXPECT_NE(messageOf("{").find("t.json"), std::string::npos);
  EXPECT_NE(messageOf(R"({"model":{},"model":{}})").find("duplicate key"),
            std::string::npos);
  std::string deep(100000, '[');
  EXPECT_NE(messageOf(deep).find("t.json"), std::string::npos);
}

TEST(MalformedText, MessagesAreOneLine) {
  Json json = smallTokenizer();
  json["model"]["type"] = "two\nlines";
  EXPECT_EQ(messageOf(json.dump()).find('\n'), std::string::npos);
}

TEST(MalformedText, EveryPrefixIsRefused) {
  std::string text = smallTokenizer().dump();
  for (size_t length = 0; length < text.size(); length += 7)
    EXPECT_THROW(Tokenizer::fromJson(text.substr(0, length), "t.json"), Error);
}

} // namespace
} // namespace braid::rt
