//===- CApiTest.cpp - the runtime for C -----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/braid.h"

using namespace braid::rt::test;

namespace {

struct CApiTest : testing::Test {
  FakeModel model;
  braid_status status{};
  braid_engine *engine = nullptr;
  braid_session *session = nullptr;

  void SetUp() override {
    ASSERT_EQ(braid_engine_open(model.artifact().c_str(), nullptr, &engine,
                                &status),
              BRAID_OK)
        << status.message;
    ASSERT_EQ(braid_session_create(engine, &session, &status), BRAID_OK);
  }
  void TearDown() override {
    braid_session_destroy(session);
    braid_engine_close(engine);
  }
};

TEST_F(CApiTest, Text) {
  int32_t ids[3];
  size_t count = 0;
  EXPECT_EQ(braid_tokenize(engine, "abcd", 4, 0, ids, 3, &count, &status),
            BRAID_TOO_SMALL);
  EXPECT_EQ(count, 4u);
  EXPECT_EQ(braid_tokenize(engine, "abc", 3, 0, ids, 3, &count, &status),
            BRAID_OK);
  char text[8];
  size_t bytes = 0;
  EXPECT_EQ(braid_detokenize(engine, ids, 3, text, 8, &bytes, &status),
            BRAID_OK);
  EXPECT_EQ(std::string(text, bytes), "abc");
}

TEST_F(CApiTest, StepsAndForks) {
  int32_t a = -1, b = -1, ids[] = {3, 4};
  EXPECT_EQ(braid_sequence_create(session, &a, &status), BRAID_OK);
  EXPECT_EQ(braid_sequence_logits(session, a), nullptr);
  braid_feed feed{a, ids, 2};
  EXPECT_EQ(braid_session_step(session, &feed, 1, &status), BRAID_OK);
  EXPECT_EQ(braid_sequence_position(session, a), 2);
  const float *logits = braid_sequence_logits(session, a);
  EXPECT_EQ(std::max_element(logits, logits + kVocabulary) - logits, 5);
  EXPECT_EQ(braid_sequence_fork(session, a, &b, &status), BRAID_OK);
  EXPECT_EQ(braid_sequence_position(session, b), 2);
  std::string path = model.folder / "saved";
  EXPECT_EQ(braid_sequence_save(session, b, path.c_str(), &status), BRAID_OK);
  EXPECT_EQ(braid_sequence_release(session, b, &status), BRAID_OK);
  EXPECT_EQ(braid_sequence_restore(session, path.c_str(), &b, &status),
            BRAID_OK);
}

TEST_F(CApiTest, Generates) {
  int32_t sequence, prompt = 12;
  braid_sequence_create(session, &sequence, nullptr);
  braid_generate_options options{};
  options.max_tokens = 4;
  std::string text;
  auto append = [](void *user, int32_t, const char *more, size_t bytes) {
    static_cast<std::string *>(user)->append(more, bytes);
    return 1;
  };
  EXPECT_EQ(braid_generate(session, sequence, &prompt, 1, &options, append,
                           &text, &status),
            BRAID_OK);
  EXPECT_EQ(text, "n\xc3\xa9" "a");
  EXPECT_EQ(braid_sequence_position(session, sequence), 5);
}

TEST_F(CApiTest, AnIncompleteCharacterIsNotLost) {
  int32_t sequence, prompt = 12;
  braid_sequence_create(session, &sequence, nullptr);
  braid_generate_options options{};
  options.max_tokens = 2; // The second is the first byte of two.
  struct Told {
    std::string text;
    std::vector<int32_t> ids;
    size_t most = 100;
  } told;
  auto append = [](void *user, int32_t id, const char *more, size_t bytes) {
    Told &told = *static_cast<Told *>(user);
    told.text.append(more, bytes);
    told.ids.push_back(id);
    return int32_t(told.ids.size() < told.most);
  };
  EXPECT_EQ(braid_generate(session, sequence, &prompt, 1, &options, append,
                           &told, &status),
            BRAID_OK);
  EXPECT_EQ(told.text, "n\xef\xbf\xbd");
  EXPECT_EQ(told.ids, (std::vector<int32_t>{13, 14, -1}));
  // Who has stopped is not called again.
  told = {.most = 2};
  braid_sequence_create(session, &sequence, nullptr);
  EXPECT_EQ(braid_generate(session, sequence, &prompt, 1, &options, append,
                           &told, &status),
            BRAID_OK);
  EXPECT_EQ(told.ids, (std::vector<int32_t>{13, 14}));
}

TEST_F(CApiTest, ErrorsStayInside) {
  EXPECT_EQ(braid_sequence_release(session, 3, &status), BRAID_ERROR);
  EXPECT_STREQ(status.message, "there is no sequence 3");
  EXPECT_EQ(braid_sequence_position(session, 3), -1);
  braid_engine *other = nullptr;
  EXPECT_EQ(braid_engine_open("/no/such/file", nullptr, &other, &status),
            BRAID_ERROR);
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(braid_engine_open(nullptr, nullptr, &other, nullptr), BRAID_ERROR);
}

} // namespace
