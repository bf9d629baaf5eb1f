//===- GenerateTest.cpp - prompts in, tokens out --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

struct Recorder : GenerateListener {
  std::vector<std::vector<int32_t>> tokens{16};
  std::vector<std::vector<float>> rows{16};
  size_t enough = size_t(-1);

  void promptRows(size_t prompt, int64_t count, const float *logits) override {
    rows[prompt].insert(rows[prompt].end(), logits,
                        logits + count * kVocabulary);
  }
  bool token(size_t prompt, int32_t id, const float *logits) override {
    tokens[prompt].push_back(id);
    if (logits)
      rows[prompt].insert(rows[prompt].end(), logits, logits + kVocabulary);
    return tokens[prompt].size() < enough;
  }
};

struct GenerateTest : testing::Test {
  FakeModel model;
  std::unique_ptr<Engine> engine = model.open({.context = 64, .maxRows = 16});
  Session session{*engine};

  Prompt prompt(std::vector<int32_t> ids) { return {session.create(), ids}; }
  Finish run(const Prompt &prompt, const GenerateOptions &options,
             Recorder &recorder) {
    return generate(session, {&prompt, 1}, options, recorder).finish[0];
  }
};

using Ids = std::vector<int32_t>;

TEST_F(GenerateTest, WhyItEnds) {
  Recorder a, b, c, d;
  EXPECT_EQ(run(prompt({5}), {}, a), Finish::Eos);
  EXPECT_EQ(a.tokens[0], (Ids{6, 7, 8, 9}));
  EXPECT_EQ(run(prompt({5}), {.maxTokens = 2}, b), Finish::Length);
  EXPECT_EQ(b.tokens[0], (Ids{6, 7}));
  EXPECT_EQ(run(prompt({5}), {.ignoreEos = true}, c), Finish::Context);
  EXPECT_EQ(c.tokens[0].size(), 63u);
  d.enough = 3;
  EXPECT_EQ(run(prompt({5}), {}, d), Finish::Listener);
  EXPECT_EQ(d.tokens[0], (Ids{6, 7, 8}));
  std::atomic<bool> stop{true};
  EXPECT_EQ(run(prompt({5}), {.interrupted = &stop}, d), Finish::Interrupted);
}

TEST_F(GenerateTest, FeedLastCompletesTheSequence) {
  Recorder a;
  Prompt p = prompt({5}), q = prompt({5});
  run(p, {.maxTokens = 3}, a);
  EXPECT_EQ(session.position(p.sequence), 3);
  run(q, {.maxTokens = 3, .feedLast = true}, a);
  EXPECT_EQ(session.position(q.sequence), 4);
  Recorder more;
  run({q.sequence, {}}, {.maxTokens = 1}, more);
  EXPECT_EQ(more.tokens[0], (Ids{9}));
}

TEST_F(GenerateTest, TheStepChoosesUnlessLogitsAreCut) {
  Recorder onDevice, reported, cut;
  run(prompt({5}), {.maxTokens = 3}, onDevice);
  EXPECT_TRUE(onDevice.rows[0].empty());
  run(prompt({5}), {.maxTokens = 3, .tokenLogits = true}, reported);
  EXPECT_EQ(reported.rows[0].size(), size_t(3 * kVocabulary));
  run(prompt({5}), {.maxTokens = 3, .sampling = {.temperature = 1, .topK = 1}},
      cut);
  EXPECT_EQ(cut.rows[0].size(), size_t(3 * kVocabulary));
  EXPECT_EQ(onDevice.tokens[0], (Ids{6, 7, 8}));
  EXPECT_EQ(reported.tokens[0], onDevice.tokens[0]);
  EXPECT_EQ(cut.tokens[0], onDevice.tokens[0]);
}

/// Another seed must not inherit what the last step chose for this one.
TEST_F(GenerateTest, GoesOnFromLogitsAfterFeedLast) {
  Prompt p = prompt({5});
  Recorder a;
  run(p, {.maxTokens = 1, .feedLast = true}, a);
  EXPECT_NE(session.next(p.sequence), nullptr);
}

TEST_F(GenerateTest, RaggedBatchIsEachAlone) {
  std::vector<Ids> lists = {{1}, Ids(40, 3), {2, 3}, Ids(17, 8), Ids(16, 1)};
  GenerateOptions options{.maxTokens = 6, .ignoreEos = true,
                          .promptLogits = true,
                          .tokenLogits = true};
  std::vector<Prompt> prompts;
  for (const Ids &ids : lists)
    prompts.push_back(prompt(ids));
  Recorder together;
  auto report = generate(session, prompts, options, together);
  EXPECT_EQ(report.promptTokens, 76);
  EXPECT_EQ(report.decodeTokens, 5 * 5);
  for (const Prompt &p : prompts)
    session.release(p.sequence);
  for (size_t i = 0; i < lists.size(); ++i) {
    Recorder alone;
    run(prompt(lists[i]), options, alone);
    EXPECT_EQ(alone.tokens[0], together.tokens[i]);
    EXPECT_EQ(alone.rows[0], together.rows[i]);
    session.release(0);
  }
}

TEST_F(GenerateTest, PromptsThatDoNotFit) {
  Recorder recorder;
  EXPECT_EQ(errorOf([&] { run(prompt(Ids(65, 1)), {}, recorder); }),
            "the prompt has 65 tokens, the context has room for 64");
  EXPECT_EQ(errorOf([&] { run(prompt({}), {}, recorder); }),
            "the prompt is empty");
}

TEST_F(GenerateTest, EncodesPrompts) {
  EXPECT_EQ(encodePrompt(*engine, "abc\xc3\xa9", false),
            (Ids{0, 1, 2, 14, 15}));
}

} // namespace
