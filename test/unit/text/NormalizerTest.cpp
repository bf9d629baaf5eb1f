//===- NormalizerTest.cpp - Unicode normal form C ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "text/Normalizer.h"
#include "SmallTokenizer.h"
#include "text/JsonCursor.h"

namespace braid::rt {
namespace {

std::string nfc(std::string_view text) {
  Json json = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}}}};
  return Normalizer(JsonCursor(json, "t.json")).normalize(text);
}

TEST(Normalizer, Composes) {
  EXPECT_EQ(nfc("plain, \xC3\xA9"), "plain, \xC3\xA9");
  EXPECT_EQ(nfc("e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(nfc("\xE2\x84\xAB"), "\xC3\x85"); // angstrom sign
  EXPECT_EQ(nfc("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8"),
            "\xEA\xB0\x81");                                  // Hangul
  EXPECT_EQ(nfc("\xE0\xA5\x98"), "\xE0\xA4\x95\xE0\xA4\xBC"); // excluded
}

TEST(Normalizer, OrdersMarks) {
  // a, dot below (220) and acute (230) in both orders.
  EXPECT_EQ(nfc("a\xCC\x81\xCC\xA3"), nfc("a\xCC\xA3\xCC\x81"));
  EXPECT_EQ(nfc("a\xCC\x81\xCC\xA3"), "\xE1\xBA\xA1\xCC\x81");
}

TEST(Normalizer, KeepsNul) {
  std::string text("e\xCC\x81\0x", 5);
  EXPECT_EQ(nfc(text), std::string("\xC3\xA9\0x", 4));
}

TEST(Normalizer, NoneIsIdentity) {
  EXPECT_TRUE(Normalizer().isIdentity());
  EXPECT_EQ(Normalizer().normalize("e\xCC\x81"), "e\xCC\x81");
}

TEST(Normalizer, RefusesByName) {
  Json json = smallTokenizer();
  json["normalizer"] = {{"type", "Sequence"},
                        {"normalizers", {{{"type", "Lowercase"}}}}};
  EXPECT_EQ(messageOf(json.dump()),
            "t.json: normalizer.normalizers[0]: normalizer \"Lowercase\" is "
            "not supported");
}

} // namespace
} // namespace braid::rt
