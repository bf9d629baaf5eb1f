//===- SessionTest.cpp - sequences are bytes that can be moved ------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"

#include <numeric>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

struct SessionTest : testing::Test {
  FakeModel model;
  std::unique_ptr<Engine> engine = model.open({.context = 64, .maxRows = 32});
  Session session{*engine};

  static std::vector<int32_t> ids(size_t count, int32_t step = 5) {
    std::vector<int32_t> result;
    for (size_t i = 0; i < count; ++i)
      result.push_back(int32_t((i * size_t(step) + 3) % kVocabulary));
    return result;
  }
};

TEST_F(SessionTest, PiecesGiveTheSame) {
  auto whole = logitsOf(session, session.create(), ids(30), 30);
  for (size_t piece : {1, 2, 7, 29})
    EXPECT_EQ(logitsOf(session, session.create(), ids(30), piece), whole);
}

TEST_F(SessionTest, SlotsAreReusedWithoutTraces) {
  int first = session.create();
  auto before = logitsOf(session, first, ids(20), 20);
  session.release(first);
  EXPECT_EQ(session.create(), first);
  EXPECT_EQ(session.position(first), 0);
  EXPECT_EQ(session.next(first), nullptr);
  EXPECT_EQ(logitsOf(session, first, ids(20), 20), before);
}

TEST_F(SessionTest, RaggedIsAlone) {
  auto a = ids(9), b = ids(4, 7), c = ids(1);
  auto alone = logitsOf(session, session.create(), b, 32);
  int sa = session.create(), sb = session.create(), sc = session.create();
  std::vector<Feed> feeds = {
      {sa, a, Logits::None}, {sb, b, Logits::All}, {sc, c, Logits::Last}};
  session.step(feeds);
  std::vector<float> found(session.logits(),
                           session.logits() + b.size() * kVocabulary);
  EXPECT_EQ(found, alone);
  EXPECT_EQ(session.next(sa), nullptr);
  EXPECT_TRUE(std::equal(alone.end() - kVocabulary, alone.end(),
                         session.next(sb)));
}

TEST_F(SessionTest, ChoosesOfTheLastRow) {
  auto a = ids(9), b = ids(4, 7);
  int sa = session.create(), sb = session.create();
  std::vector<Feed> feeds = {{sa, a, Logits::Choice, {.temperature = 0}},
                             {sb, b, Logits::All, {.temperature = 0}}};
  session.step(feeds);
  EXPECT_EQ(session.next(sa), nullptr);
  EXPECT_EQ(session.chosen(sa), (a.back() + 1) % kVocabulary);
  EXPECT_EQ(session.chosen(sb), (b.back() + 1) % kVocabulary);
  EXPECT_EQ(session.chosen(session.fork(sa)), session.chosen(sa));
  logitsOf(session, sb, ids(2), 2);
  EXPECT_EQ(errorOf([&] { session.chosen(sb); }),
            "nothing was chosen for sequence " + std::to_string(sb));
}

TEST_F(SessionTest, ForkCopiesTheState) {
  int a = session.create();
  logitsOf(session, a, ids(11), 11);
  int b = session.fork(a);
  EXPECT_EQ(session.position(b), 11);
  EXPECT_TRUE(std::equal(session.next(a), session.next(a) + kVocabulary,
                         session.next(b)));
  logitsOf(session, b, ids(5, 3), 5);
  auto later = logitsOf(session, a, ids(6), 6);
  auto both = ids(11);
  for (int32_t id : ids(6))
    both.push_back(id);
  auto whole = logitsOf(session, session.create(), both, 32);
  EXPECT_EQ(later, std::vector<float>(whole.end() - 6 * kVocabulary,
                                      whole.end()));
}

TEST_F(SessionTest, SavedAndRestoredElsewhere) {
  std::string path = model.folder / "session";
  int a = session.create();
  logitsOf(session, a, ids(17), 17);
  session.save(a, path);
  auto expected = logitsOf(session, a, ids(9), 9);
  // Other slot count, other context, other slot.
  auto other = model.open({.context = 200, .maxSequences = 3});
  Session second(*other);
  second.create();
  int b = second.restore(path);
  EXPECT_EQ(b, 1);
  EXPECT_EQ(second.position(b), 17);
  EXPECT_EQ(second.tokens(b)[16], ids(17)[16]);
  EXPECT_NE(second.next(b), nullptr);
  EXPECT_EQ(logitsOf(second, b, ids(9), 9), expected);
}

TEST_F(SessionTest, EmptySequenceCanBeSaved) {
  std::string path = model.folder / "session";
  session.save(session.create(), path);
  int restored = session.restore(path);
  EXPECT_EQ(session.position(restored), 0);
  EXPECT_EQ(session.next(restored), nullptr);
}

TEST_F(SessionTest, DamagedSessionsAreRefused) {
  std::string path = model.folder / "session";
  int a = session.create();
  logitsOf(session, a, ids(5), 5);
  session.save(a, path);
  std::string file = readFile(path);
  for (size_t length = 0; length < file.size(); length += 13) {
    writeFile(path, file.substr(0, length));
    EXPECT_FALSE(errorOf([&] { session.restore(path); }).empty());
  }
  for (size_t at = 0; at < file.size(); at += 7) {
    std::string changed = file;
    changed[at] ^= 4;
    writeFile(path, changed);
    EXPECT_FALSE(errorOf([&] { session.restore(path); }).empty()) << at;
  }
  // None of them has kept its slot.
  for (int i = 1; i < 8; ++i)
    session.create();
}

TEST_F(SessionTest, SessionsBelongToTheirModel) {
  std::string path = model.folder / "session";
  int a = session.create();
  logitsOf(session, a, ids(40), 20);
  session.save(a, path);
  auto small = model.open({.context = 39});
  Session second(*small);
  EXPECT_EQ(errorOf([&] { second.restore(path); }),
            path + ": holds 40 tokens, more than the context of 39");
  model.edit("\"type\": \"fake\"", "\"type\": \"fuke\"");
  auto other = model.open();
  Session third(*other);
  EXPECT_EQ(errorOf([&] { third.restore(path); }),
            path + ": was saved under another model or other weights");
}

TEST_F(SessionTest, BadStepsChangeNothing) {
  int a = session.create();
  auto step = [&](std::vector<int32_t> some) {
    return errorOf([&] {
      Feed feed{a, some};
      session.step({&feed, 1});
    });
  };
  EXPECT_EQ(step({3, 16}), "id 16 is out of range: expected 0 to 15");
  EXPECT_EQ(step({-1}), "id -1 is out of range: expected 0 to 15");
  EXPECT_EQ(step({}), "sequence 0: no tokens to feed");
  EXPECT_EQ(step(ids(65)),
            "sequence 0: 65 tokens are more than the context of 64");
  EXPECT_EQ(step(ids(33)), "step: expected 1 to 32 rows, found 33");
  EXPECT_EQ(session.position(a), 0);
  EXPECT_EQ(errorOf([&] { session.release(5); }), "there is no sequence 5");
  for (int i = 1; i < 8; ++i)
    session.create();
  EXPECT_EQ(errorOf([&] { session.create(); }),
            "all 8 sequences are in use");
}

TEST_F(SessionTest, LoadOptionsAreChecked) {
  EXPECT_EQ(errorOf([&] { model.open({.context = 5000}); }),
            "context: expected at most the model's 4096 tokens, found 5000");
  EXPECT_EQ(errorOf([&] { model.open({.maxSequences = -1}); }),
            "sequences: expected at least 1, found -1");
  EXPECT_EQ(model.open()->context(), 4096);
}

TEST_F(SessionTest, HiddenAndProfile) {
  auto profiled = model.open({.profile = true});
  Session tapped(*profiled);
  auto prompt = ids(3);
  std::vector<float> hidden(3 * 3 * 4);
  Feed feed{tapped.create(), prompt};
  tapped.step({&feed, 1}, hidden.data());
  EXPECT_EQ(hidden[2 * 12 + 5], 2005);
  EXPECT_EQ(profiled->profile()[0].calls, 1u);
}

TEST(Engine, RefusesSizesThatOverflow) {
  FakeModel model;
  EngineOptions options;
  options.maxRows = int64_t(1) << 62;
  EXPECT_EQ(errorOf([&] { model.open(options); }),
            "rows: expected at most 2147483647, found 4611686018427387904");
  options.maxRows = 512;
  options.maxSequences = 65537;
  EXPECT_EQ(errorOf([&] { model.open(options); }),
            "sequences: expected at most 65536, found 65537");
  options.maxSequences = 1;
  options.maxRows = INT32_MAX;
  model.edit("\"arena_fixed\": 64, \"arena_per_row\": 64, "
             "\"thread_scratch\": 256",
             "\"arena_fixed\":64,\"arena_per_row\":6400000,"
             "\"thread_scratch\":256");
  EXPECT_EQ(errorOf([&] { model.open(options); }),
            "activations: is larger than 2^46 bytes");
}

TEST(Engine, RefusesLogitsThatOverflow) {
  FakeModel model;
  EngineOptions options;
  options.maxRows = INT32_MAX;
  model.edit("\"vocabulary\": 16, \"context\": 4096",
             "\"vocabulary\":99999999,\"context\":9");
  options.context = 9;
  EXPECT_EQ(errorOf([&] { model.open(options); }),
            "logits: is larger than 2^46 bytes");
}

} // namespace
