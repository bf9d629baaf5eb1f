//===- GoldenTest.cpp - golden logits as bytes ----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/golden.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace braid::rt::test {
namespace {

Golden sample() {
  Golden golden;
  golden.sequences = {{1, 2, 3}, {4, 5, 6, 7}};
  for (int r = 0; r < 7; ++r)
    golden.rows.push_back({1.5f, 2.5f, {3, 1}, {2.5f, float(r)}, {-1, -2, -3}});
  return golden;
}

TEST(Golden, SurvivesItsBytes) {
  Golden found = decodeGolden(encodeGolden(sample()), "x");
  EXPECT_EQ(found.sequences, sample().sequences);
  ASSERT_EQ(found.rows.size(), 7u);
  EXPECT_EQ(found.rows[6].topIds, sample().rows[6].topIds);
  EXPECT_EQ(found.rows[6].topLogits, sample().rows[6].topLogits);
  EXPECT_EQ(found.rows[6].columns, sample().rows[6].columns);
  EXPECT_EQ(found.rows[6].largest, 2.5f);
}

TEST(Golden, RefusesAnyOtherLength) {
  std::string bytes = encodeGolden(sample());
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(errorOf([&] { decodeGolden(bytes.substr(0, length), "x"); })
                  .find("x: damaged section"),
              std::string::npos);
  EXPECT_NE(errorOf([&] { decodeGolden(bytes + "x", "x"); }), "");
}

TEST(Golden, RefusesLyingNumbers) {
  std::string good = encodeGolden(sample());
  auto with = [&](size_t at, int32_t value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    return errorOf([&] { decodeGolden(bytes, "x"); });
  };
  for (size_t field = 8; field < 24; field += 4) // Counts of the header.
    EXPECT_NE(with(field, -1), "");
  EXPECT_NE(with(24, 2).find("2 tokens"), std::string::npos);
  EXPECT_NE(with(24, 1 << 30), "");
  EXPECT_NE(with(24, 4).find("8 tokens"), std::string::npos);
  size_t firstTop = 24 + 8 + 7 * 4 + 8;
  EXPECT_NE(with(firstTop, -1).find("golden token -1"), std::string::npos);
}

TEST(Golden, AgreesWithItselfOnly) {
  FakeModel model;
  auto engine = model.open({.maxSequences = 6});
  Golden golden = computeGolden(*engine, 0);
  EXPECT_TRUE(passed(compareGolden(*engine, golden)));
  EXPECT_EQ(encodeGolden(golden).size(), goldenBytes(kVocabulary));
  for (GoldenRow &row : golden.rows)
    row.columns[0] += 1;
  EXPECT_FALSE(passed(compareGolden(*engine, golden)));
  for (GoldenRow &row : golden.rows)
    row.columns[0] = NAN;
  EXPECT_FALSE(passed(compareGolden(*engine, golden)));
  golden = computeGolden(*engine, 0);
  golden.rows[0].topIds[0] = kVocabulary;
  EXPECT_NE(errorOf([&] { compareGolden(*engine, golden); }), "");
}

} // namespace
} // namespace braid::rt::test
