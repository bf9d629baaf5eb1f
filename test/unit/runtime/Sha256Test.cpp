//===- Sha256Test.cpp - SHA-256 against published digests -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "core/Sha256.h"

#include <gtest/gtest.h>

using namespace braid::rt;

namespace {

std::string sha(const std::string &text, size_t piece = SIZE_MAX) {
  Sha256 sha;
  for (size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
    sha.update(text.data() + at, std::min(piece, text.size() - at));
  return sha.finishHex();
}

TEST(Sha256, PublishedDigests) { // FIPS 180-4, examples of NIST
  EXPECT_EQ(sha(""), "e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha("abc"), "ba7816bf8f01cfea414140de5dae2223"
                        "b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67"
            "f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesDoNotMatter) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += char(i * 7);
  for (size_t piece : {1, 3, 63, 64, 65, 200})
    EXPECT_EQ(sha(text, piece), sha(text));
}

} // namespace
