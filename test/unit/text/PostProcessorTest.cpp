//===- PostProcessorTest.cpp - ids around a prompt -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SmallTokenizer.h"

namespace braid::rt {
namespace {

Json special(const char *name) {
  return {{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
}
Json text() { return {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}; }

Json templateOf(const Json &pieces) {
  return {{"type", "TemplateProcessing"},
          {"single", pieces},
          {"pair", Json::array()},
          {"special_tokens",
           {{"X", {{"id", "X"}, {"ids", {1}}, {"tokens", {"X"}}}},
            {"Y", {{"id", "Y"}, {"ids", {2, 3}}, {"tokens", {"Y", "Z"}}}}}}};
}

Tokenizer with(const Json &postProcessor) {
  Json json = smallTokenizer();
  json["post_processor"] = postProcessor;
  return load(json);
}

std::string messageWith(const Json &postProcessor) {
  Json json = smallTokenizer();
  json["post_processor"] = postProcessor;
  return messageOf(json.dump());
}

TEST(PostProcessor, PutsIdsAround) {
  Tokenizer tokenizer = with(templateOf({special("X"), text(), special("Y")}));
  EXPECT_EQ(tokenizer.encode("a", {true, false}), (Ids{1, 'a', 2, 3}));
  EXPECT_EQ(tokenizer.encode("", {true, false}), (Ids{1, 2, 3}));
  EXPECT_EQ(tokenizer.encode("a"), (Ids{'a'}));
}

TEST(PostProcessor, SequencesNest) {
  Json sequence = {{"type", "Sequence"},
                   {"processors",
                    {{{"type", "ByteLevel"}, {"trim_offsets", true}},
                     templateOf({special("X"), text()}),
                     templateOf({special("Y"), text(), special("X")})}}};
  EXPECT_EQ(with(sequence).encode("a", {true, false}), (Ids{2, 3, 1, 'a', 1}));
}

TEST(PostProcessor, RefusesByName) {
  EXPECT_EQ(messageWith({{"type", "RobertaProcessing"}}),
            "t.json: post_processor: post-processor \"RobertaProcessing\" is "
            "not supported");
  EXPECT_EQ(messageWith(templateOf({special("Q"), text()})),
            "t.json: post_processor.single[0].SpecialToken.id: expected a name "
            "in special_tokens, found \"Q\"");
  EXPECT_EQ(messageWith(templateOf(Json::array({special("X")}))),
            "t.json: post_processor.single: expected the sequence A, found "
            "none");
  EXPECT_EQ(messageWith(templateOf({text(), text()})),
            "t.json: post_processor.single[1]: expected the sequence A once, "
            "found \"A\" again");
  Json far = templateOf({special("X"), text()});
  far["special_tokens"]["X"]["ids"] = {258};
  EXPECT_EQ(messageWith(far),
            "t.json: post_processor.special_tokens.X.ids[0]: expected an "
            "integer in 0..257, found 258");
}

} // namespace
} // namespace braid::rt
