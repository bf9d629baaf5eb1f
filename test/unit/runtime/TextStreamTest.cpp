//===- TextStreamTest.cpp - only whole characters come out ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "core/TextStream.h"

#include <gtest/gtest.h>

using namespace braid::rt;

namespace {

TEST(TextStream, HoldsBackHalfCharacters) {
  TextStream stream;
  EXPECT_EQ(stream.add("a\xe2"), "a");
  EXPECT_EQ(stream.add("\x82"), "");
  EXPECT_EQ(stream.add("\xac!"), "\xe2\x82\xac!");
  EXPECT_EQ(stream.add("\xf0\x9f"), "");
  EXPECT_EQ(stream.finish(), "\xef\xbf\xbd");
}

TEST(TextStream, ReplacesWhatIsNotUtf8) {
  TextStream stream;
  EXPECT_EQ(stream.add("\xff" "a"), "\xef\xbf\xbd" "a");
  EXPECT_EQ(stream.add("\xe2" "b"), "\xef\xbf\xbd" "b");
}

/// All that a stream gives for one byte at a time.
std::string bytewise(TextStream stream, const std::string &text) {
  std::string all;
  for (char c : text)
    all += stream.add(std::string(1, c));
  return all + stream.finish();
}

TEST(TextStream, StopsBeforeAStopString) {
  EXPECT_EQ(bytewise(TextStream({"END"}), "the ENE END."), "the ENE ");
  EXPECT_EQ(bytewise(TextStream({"END"}), "the EN"), "the EN");
  EXPECT_EQ(bytewise(TextStream({"aab"}), "aaab"), "a");
  EXPECT_EQ(bytewise(TextStream({"x", "bc"}), "abcx"), "a");
  EXPECT_EQ(bytewise(TextStream({"\xc3\xa9"}), "caf\xc3\xa9!"), "caf");
  TextStream stream({"\n\n"});
  EXPECT_EQ(stream.add("one\n"), "one");
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.add("\ntwo"), "");
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.finish(), "");
}

} // namespace
