//===- JsonTest.cpp - strict reading of JSON ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestFiles.h"

using namespace braid::test;
using braid::rt::Json;
using braid::rt::parseJson;

static std::string problem(const std::string &text,
                           braid::rt::JsonOptions options = {}) {
  return errorOf([&] { parseJson(text, "f.json", options); });
}

TEST(Json, KeepsOrderAndValues) {
  Json json = parseJson(R"({"b": [1, -2, 2.5, true, null], "a": {"x": "y"}})",
                        "f.json");
  EXPECT_EQ(json.dump(), R"({"b":[1,-2,2.5,true,null],"a":{"x":"y"}})");
}

TEST(Json, RefusesDuplicateKeys) {
  EXPECT_EQ(problem(R"({"a": 1, "a": 2})"),
            "f.json: expected JSON, found duplicate key 'a'");
  std::string wide = "{";
  for (int i = 0; i < 20; ++i)
    wide += "\"k" + std::to_string(i) + "\": 0, ";
  EXPECT_NE(problem(wide + "\"k7\": 1}").find("duplicate key 'k7'"),
            std::string::npos);
}

TEST(Json, RefusesDepth) {
  std::string deep(100000, '[');
  EXPECT_NE(problem(deep).find("nested deeper than 64"), std::string::npos);
  EXPECT_EQ(problem(std::string(64, '[') + std::string(64, ']')), "");
}

TEST(Json, NamesLineOfSyntaxError) {
  EXPECT_EQ(problem("{\n  \"a\": 1,\n}").rfind("f.json:3:", 0), 0u);
  EXPECT_NE(problem(""), "");
  EXPECT_NE(problem("{} x"), "");
  EXPECT_NE(problem("\"\xff\""), "");
  EXPECT_NE(problem("1e999"), "");
}

TEST(Json, BareInfinityOnlyWhereAllowed) {
  std::string text =
      R"({"a": [0, Infinity, -Infinity, NaN], "b": "NaN \" Infinity"})";
  EXPECT_NE(problem(text), "");
  Json json = parseJson(text, "f.json", {.allowNonFinite = true});
  EXPECT_EQ(json["a"].dump(), R"([0,"Infinity","-Infinity","NaN"])");
  EXPECT_EQ(json["b"], "NaN \" Infinity");
}

TEST(Json, RefusesLongText) {
  EXPECT_EQ(problem("[1, 2, 3]", {.maxBytes = 4}),
            "f.json: expected at most 4 bytes of JSON, found 9");
}

TEST(Json, ReadsRegularFilesOnly) {
  EXPECT_EQ(errorOf([] { braid::rt::readJsonFile("/dev/zero"); }),
            "/dev/zero: expected a regular file, found a device");
  EXPECT_EQ(errorOf([] { braid::rt::readJsonFile("/"); }),
            "/: expected a regular file, found a directory");
}

TEST(Json, ManyKeysAreFast) {
  std::string text = "{";
  for (int i = 0; i < 200000; ++i)
    text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":{\"q\":\"FP8\"}";
  EXPECT_EQ(parseJson(text + "}", "f.json").size(), 200000u);
}
