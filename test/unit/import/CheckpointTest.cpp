//===- CheckpointTest.cpp - safetensors, honest and lying -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/checkpoint.h"
#include "TestFiles.h"

#include <cstring>
#include <random>
#include <sys/stat.h>

using namespace braid::test;
using namespace braid::rt;

/// A file with this header and that many bytes of data.
static std::string safetensors(const std::string &header, size_t data) {
  uint64_t length = header.size();
  std::string text(reinterpret_cast<char *>(&length), 8);
  return text + header + std::string(data, '\1');
}

static std::string openError(const std::string &text) {
  TestDirectory directory;
  std::string path = directory.write("model.safetensors", text);
  std::string line = errorOf([&] { Checkpoint::open(path); });
  size_t at = line.find("model.safetensors");
  return at == line.npos ? line : line.substr(at + 17);
}

static std::string headerError(const std::string &header, size_t data) {
  return openError(safetensors(header, data));
}

TEST(Checkpoint, RoundTrip) {
  TestDirectory directory;
  float values[6] = {1, 2, 3, 4, 5, 6};
  uint8_t raw[3] = {7, 8, 9};
  std::string path = directory.file("model.safetensors");
  writeSafetensors(path, {{"b", "U8", {3}, raw, 3},
                          {"a", "F32", {2, 3}, values, 24},
                          {"none", "F32", {0, 4}, nullptr, 0}});
  for (const std::string &where : {path, directory.path.string()}) {
    Checkpoint checkpoint = Checkpoint::open(where);
    ASSERT_EQ(checkpoint.tensors().size(), 3u);
    const TensorInfo *a = checkpoint.find("a");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->dtype, "F32");
    EXPECT_EQ(a->shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(std::memcmp(checkpoint.data(*a), values, 24), 0);
    EXPECT_EQ(checkpoint.dataBytes(), 27u);
    EXPECT_EQ(checkpoint.headerHash().size(), 64u);
    EXPECT_FALSE(checkpoint.find("c"));
  }
}

TEST(Checkpoint, RefusesTruncation) {
  EXPECT_EQ(openError("123"), ": expected at least 8 bytes, found 3");
  std::string good = safetensors(
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4);
  EXPECT_EQ(openError(good), "");
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_NE(openError(good.substr(0, length)), "") << length;
  EXPECT_EQ(openError(good + "x"), ": bytes " + std::to_string(good.size()) +
                                       ".." + std::to_string(good.size() + 1) +
                                       " at the end belong to no tensor");
}

TEST(Checkpoint, RefusesLyingHeaders) {
  EXPECT_EQ(openError(std::string(7, '\xff') + "\x7f" + "xx").substr(0, 40),
            ": expected a header of at most 100000000");
  EXPECT_EQ(headerError("[]", 0),
            ": expected the header to be an object, found array");
  auto one = [](const std::string &dtype, const std::string &shape,
                const std::string &offsets) {
    return headerError("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                           ",\"data_offsets\":" + offsets + "}}",
                       8);
  };
  EXPECT_EQ(one("\"F32\"", "[2]", "[0,8]"), "");
  EXPECT_EQ(one("\"F32\"", "[2]", "[8,0]"),
            ": tensor 'a': data_offsets 8..0 are reversed");
  EXPECT_EQ(one("\"F32\"", "[2]", "[8,16]"),
            ": tensor 'a': data_offsets 8..16 lie outside the 8 bytes of data");
  EXPECT_EQ(one("\"F32\"", "[3]", "[0,8]"),
            ": tensor 'a': expected 12 bytes for dtype F32 and its shape, "
            "found 8");
  EXPECT_EQ(one("\"F33\"", "[2]", "[0,8]"),
            ": tensor 'a': unknown dtype 'F33'");
  EXPECT_EQ(one("\"F32\"", "[-2]", "[0,8]"),
            ": tensor 'a': expected shape of non-negative integers, found -2");
  EXPECT_EQ(one("\"F32\"", "[4294967296,4294967296]", "[0,8]"),
            ": tensor 'a': shape is too large");
  EXPECT_EQ(one("7", "[2]", "[0,8]"),
            ": tensor 'a': expected dtype as a string, found number");
  EXPECT_EQ(one("\"F32\"", "[2]", "[0]"),
            ": tensor 'a': expected two data_offsets, found 1");
}

TEST(Checkpoint, RefusesOverlapHoleAndDuplicate) {
  auto two = [](const char *a, const char *b) {
    return headerError(
        std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + a +
            R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
        8);
  };
  EXPECT_EQ(two("[0,4]", "[4,8]"), "");
  EXPECT_EQ(two("[4,8]", "[0,4]"), "");
  EXPECT_NE(two("[0,4]", "[2,6]").find("overlaps tensor 'a'"),
            std::string::npos);
  EXPECT_NE(
      headerError(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8)
          .find("before tensor 'a' belong to no tensor"),
      std::string::npos);
  EXPECT_NE(
      headerError(
          R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}})", 0)
          .find("duplicate key 'a'"),
      std::string::npos);
}

TEST(Checkpoint, NamesWhatIsNoCheckpoint) {
  EXPECT_EQ(openError("version https://git-lfs.github.com/spec/v1\noid x\n"),
            ": expected safetensors, found a Git LFS pointer");
  TestDirectory directory;
  std::string where = directory.path.string();
  auto open = [&] { Checkpoint::open(where); };
  EXPECT_EQ(errorOf(open), where +
                               ": expected model.safetensors or "
                               "model.safetensors.index.json, found neither");
  EXPECT_NE(hintOf(open).find("hf download"), std::string::npos);
  directory.write("pytorch_model.bin", "x");
  EXPECT_NE(errorOf(open).find("found only pytorch_model.bin"),
            std::string::npos);
  ASSERT_EQ(mkfifo(directory.file("model.safetensors").c_str(), 0600), 0);
  EXPECT_EQ(errorOf(open), directory.file("model.safetensors") +
                               ": expected a regular file, found a FIFO");
}

TEST(Checkpoint, UnfinishedCacheNamesTheRepository) {
  TestDirectory directory;
  auto snapshot = directory.path / "models--org--name" / "snapshots" / "abc";
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_symlink("../../blobs/123",
                                  snapshot / "model.safetensors");
  EXPECT_EQ(hintOf([&] { Checkpoint::open(snapshot.string()); }),
            "the download is unfinished; run `hf download org/name`");
}

static std::string shard(const std::string &name) {
  return safetensors(
      "{\"" + name + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
      4);
}

TEST(Checkpoint, IndexAndLinks) {
  TestDirectory directory;
  directory.write("blob", shard("a"));
  std::filesystem::create_symlink("blob", directory.path / "1.safetensors");
  directory.write("2.safetensors", shard("b"));
  directory.write(
      "model.safetensors.index.json",
      R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  EXPECT_EQ(Checkpoint::open(directory.path.string()).tensors().size(), 2u);
}

TEST(Checkpoint, TheIndexSaysWhatCounts) {
  TestDirectory directory;
  directory.write("model.safetensors", shard("a"));
  directory.write("1.safetensors", shard("b"));
  auto open = [&] { return Checkpoint::open(directory.path.string()); };
  EXPECT_NE(open().find("a"), nullptr);
  std::string index = "model.safetensors.index.json";
  directory.write(index, R"({"weight_map": {"b": "1.safetensors"}})");
  EXPECT_EQ(open().find("a"), nullptr);
  EXPECT_NE(open().find("b"), nullptr);
  directory.write(index, R"({"weight_map": {"b": "2.safetensors"}})");
  EXPECT_EQ(hintOf(open), "if model.safetensors alone is the checkpoint, "
                          "remove the index");
  directory.write(index, "{");
  EXPECT_NE(errorOf(open).find("expected JSON"), std::string::npos);
}

static std::string indexError(const std::string &map) {
  TestDirectory directory;
  directory.write("1.safetensors", shard("a"));
  directory.write("2.safetensors", shard("b"));
  directory.write("3.safetensors", shard("a"));
  directory.write("model.safetensors.index.json",
                  "{\"weight_map\": " + map + "}");
  return errorOf([&] { Checkpoint::open(directory.path.string()); });
}

TEST(Checkpoint, RefusesBadIndexes) {
  EXPECT_NE(indexError(R"({"a": "../1.safetensors"})")
                .find("found '../1.safetensors'"),
            std::string::npos);
  EXPECT_NE(indexError(R"({"a": "."})").find("found '.'"), std::string::npos);
  EXPECT_NE(indexError(R"({"a": "/etc/passwd"})").find("found '/etc/passwd'"),
            std::string::npos);
  EXPECT_NE(indexError(R"({"a": "1.safetensors", "b": "9.safetensors"})")
                .find("9.safetensors: file is missing (1 of the 2 files"),
            std::string::npos);
  EXPECT_NE(indexError(R"({"a": "1.safetensors", "b": "1.safetensors"})")
                .find("tensor 'b' is listed in"),
            std::string::npos);
  EXPECT_NE(indexError(R"({"a": "2.safetensors", "b": "1.safetensors"})")
                .find("is listed in"),
            std::string::npos);
  EXPECT_NE(indexError(R"({"a": "1.safetensors", "c": "2.safetensors"})")
                .find("tensor 'b' is not listed in"),
            std::string::npos);
  EXPECT_NE(indexError(R"({"a": "1.safetensors", "b": "3.safetensors"})")
                .find("tensor 'a' is already in"),
            std::string::npos);
  EXPECT_NE(
      indexError("[]").find("expected an object 'weight_map', found array"),
      std::string::npos);
  EXPECT_NE(indexError(R"({"a": 7})")
                .find("key 'weight_map.a': expected a file name, found number"),
            std::string::npos);
}

/// Any change of a byte is read or refused, never a crash.
TEST(Checkpoint, SurvivesMutations) {
  std::string good = readText(fixture("latent-moe") + "/model.safetensors");
  uint64_t header;
  std::memcpy(&header, good.data(), 8);
  std::mt19937 random(1);
  TestDirectory directory;
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    for (int change = 0; change < 3; ++change)
      bad[random() % (8 + header)] = char(random());
    std::string path = directory.write("m.safetensors", bad);
    errorOf([&] { Checkpoint::open(path); });
  }
}

TEST(Checkpoint, WriteLeavesOldFileOnError) {
  TestDirectory directory;
  std::string path = directory.write("out.safetensors", "old");
  EXPECT_NE(errorOf([&] {
              writeSafetensors(path, {{"a", "F32", {2}, "", 7}});
            }),
            "");
  EXPECT_EQ(readText(path), "old");
  EXPECT_EQ(errorOf([&] { writeSafetensors("/nowhere/x", {}); }),
            "/nowhere/x: cannot be written: No such file or directory");
}
