//===- FixturesTest.cpp - the families against the reference library -----===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SmallTokenizer.h"
#include "text/Utf8.h"

#include <fstream>
#include <sstream>
#include <thread>

namespace braid::rt {
namespace {

std::string slurp(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Tokenizer loadFile(const std::string &name) {
  std::string path = std::string(BRAID_FIXTURES) + "/" + name;
  return Tokenizer::fromJson(slurp(path), path);
}

class Family : public testing::TestWithParam<const char *> {
protected:
  Family()
      : tokenizer(loadFile(std::string("tokenizers/") + GetParam() + ".json")),
        cases(parseJson(slurp(std::string(BRAID_FIXTURES) + "/tokenizers/" +
                              GetParam() + ".cases.json"),
                        "cases")) {}

  Tokenizer tokenizer;
  Json cases;
};

TEST_P(Family, EncodesAsTheReference) {
  ASSERT_GT(cases.size(), 400u);
  for (const Json &one : cases) {
    auto text = one["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, {false, true}), one["ids"].get<Ids>())
        << one["text"];
    EXPECT_EQ(tokenizer.encode(text, {true, true}),
              one["with_special"].get<Ids>())
        << one["text"];
  }
}

TEST_P(Family, DecodesAsTheReference) {
  for (const Json &one : cases)
    EXPECT_EQ(tokenizer.decode(one["ids"].get<Ids>(), false),
              one["decoded"].get<std::string>())
        << one["text"];
}

TEST_P(Family, StreamsTheSameText) {
  for (const Json &one : cases) {
    std::string pending, streamed;
    for (int32_t id : one["ids"].get<Ids>()) {
      pending += tokenizer.bytesOf(id, false);
      size_t whole = completePrefix(pending);
      EXPECT_TRUE(isUtf8(pending.substr(0, whole)));
      streamed += pending.substr(0, whole);
      pending.erase(0, whole);
    }
    EXPECT_EQ(pending, "");
    EXPECT_EQ(streamed, one["decoded"].get<std::string>());
  }
}

TEST_P(Family, SpecialTokensArePlainTextUnlessAsked) {
  for (const char *text : {"<s>", "a</s>b", "<|im_start|>user", "<unk>"}) {
    Ids ids = tokenizer.encode(text);
    for (int32_t id : ids)
      EXPECT_FALSE(tokenizer.isSpecial(id)) << text;
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
}

TEST_P(Family, DecodeLeavesSpecialTokensOut) {
  Ids ids = tokenizer.encode("<s> hi </s>", {false, true});
  EXPECT_EQ(tokenizer.decode(ids), " hi ");
  EXPECT_EQ(tokenizer.decode(ids, false), "<s> hi </s>");
}

TEST_P(Family, ThreadsShareOneTokenizer) {
  auto work = [&] {
    for (const Json &one : cases)
      EXPECT_EQ(tokenizer.encode(one["text"].get<std::string>(), {false, true}),
                one["ids"].get<Ids>());
  };
  std::thread other(work);
  work();
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Family,
                         testing::Values("gpt2", "llama3", "nemotron",
                                         "qwen2"));

TEST(Storyteller, RoundTrips) {
  Tokenizer tokenizer = loadFile("storyteller/tokenizer.json");
  EXPECT_EQ(tokenizer.vocabularySize(), 1536);
  std::string text = "Once upon a time, na\xC3\xAFve \xF0\x9F\x90\xBA\n\tsaid: "
                     "\"I'm 42!\"  \r\n";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  EXPECT_EQ(tokenizer.tokenOf(1), "<s>");
  EXPECT_TRUE(tokenizer.isSpecial(1));
}

} // namespace
} // namespace braid::rt
