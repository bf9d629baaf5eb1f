//===- ArtifactTest.cpp - nothing but an intact artefact is loaded --------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/artifact.h"

#include <cstring>
#include <elf.h>
#include <random>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

struct ArtifactTest : testing::Test {
  FakeModel model;
  std::string file = readFile(model.artifact());
  std::string copy = model.folder / "copy.braid";

  std::string open(const std::string &bytes) {
    writeFile(copy, bytes);
    return errorOf([&] { Artifact::open(copy); });
  }
  void expectFlipRefused(size_t at) {
    std::string changed = file;
    changed[at] = char(changed[at] ^ (1 << (at % 8)));
    EXPECT_FALSE(open(changed).empty()) << "offset " << at;
  }
};

TEST_F(ArtifactTest, Opens) {
  Artifact artifact = Artifact::open(model.artifact());
  EXPECT_EQ(artifact.manifest.modelType, "fake");
  EXPECT_EQ(artifact.manifest.vocabulary, kVocabulary);
  EXPECT_EQ(artifact.manifest.pools.size(), 2u);
  EXPECT_EQ(artifact.manifest.weights.headerSha256.size(), 64u);
  EXPECT_EQ(artifact.tokenizerJson.front(), '{');
  EXPECT_EQ(artifact.bytes, file.size());
}

TEST_F(ArtifactTest, EveryHeaderByteIsSealed) {
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof(header));
  for (size_t at = 0; at < sizeof(header); ++at)
    expectFlipRefused(at);
  for (size_t at = header.e_phoff;
       at < header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr); ++at)
    expectFlipRefused(at);
  for (size_t at = header.e_shoff;
       at < header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr); ++at)
    expectFlipRefused(at);
  size_t seal = file.find("BRAIDSL1");
  for (size_t at = seal; at < seal + 40; ++at)
    expectFlipRefused(at);
}

TEST_F(ArtifactTest, EveryOtherByteIsSealed) {
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i)
    expectFlipRefused(random() % file.size());
}

TEST_F(ArtifactTest, CutFilesAreRefused) {
  std::mt19937 random(2);
  for (size_t length : {size_t(0), size_t(1), size_t(63), size_t(64),
                        file.size() / 2, file.size() - 1})
    EXPECT_FALSE(open(file.substr(0, length)).empty()) << length;
  for (int i = 0; i < 50; ++i)
    EXPECT_FALSE(open(file.substr(0, random() % file.size())).empty());
  EXPECT_FALSE(open(file + "x").empty());
}

TEST_F(ArtifactTest, SaysWhatIsWrong) {
  EXPECT_EQ(open("hello"), copy + ": not an ELF file");
  EXPECT_EQ(open(readFile("/proc/self/exe")).substr(0, copy.size()), copy);
  std::string changed = file;
  changed[file.find("fake")] = 'F';
  EXPECT_EQ(open(changed), copy + ": its bytes do not match its seal");
}

TEST_F(ArtifactTest, OtherAbiAndSchema) {
  model.edit("\"abi\": 5", "\"abi\": 7");
  auto open = [&] { Artifact::open(model.artifact()); };
  EXPECT_EQ(errorOf(open),
            model.artifact() +
                ": was made for ABI 7, this runtime speaks ABI 5");
  model.edit("\"abi\": 7", "\"abi\": 5");
  model.edit("\"schema\": 1", "\"schema\": 3");
  EXPECT_EQ(errorOf(open),
            model.artifact() +
                ": manifest schema 3, this runtime reads schema 1");
}

TEST_F(ArtifactTest, ManifestsThatContradictThemselves) {
  auto refused = [&](const char *from, const char *to, const char *expected) {
    model.edit(from, to);
    std::string error = errorOf([&] { Artifact::open(model.artifact()); });
    EXPECT_NE(error.find(expected), error.npos) << error;
    model.edit(to, from);
  };
  refused("\"offset\": 4160", "\"offset\": 4162", "a multiple of 64");
  refused("\"offset\": 4160", "\"offset\": 4224", "within weights.bytes");
  refused("1, \"offset\": 4160", "0, \"offset\": 4160", "claims entry 0");
  refused("1, \"offset\": 4160", "2, \"offset\": 4160", "claims entry 3");
  refused("\"count\": 3", "\"count\": 4", "an owner of table entry 3");
  refused("\"experts\": 3", "\"experts\": x", "manifest");
  refused("\"slots\", 3]", "\"slats\", 3]", "\"slots\"");
  refused("[9]", "[99", "manifest");
}

TEST_F(ArtifactTest, GpuPartsThatAreNotTrue) {
  auto refused = [&](const std::string &from, std::string to,
                     const char *expected) {
    to.resize(from.size(), ' ');
    model.edit(from, to);
    std::string error = errorOf([&] { Artifact::open(model.artifact()); });
    EXPECT_NE(error.find(expected), error.npos) << error;
    model.edit(to, from);
  };
  std::string kernel = "\"kernel\": 0, \"threads\": 1, \"shared_bytes\": 16,";
  refused(kernel, "\"kernel\":0,\"threads\":0,\"shared_bytes\":16,",
          "from 1 to 1024");
  refused(kernel, "\"kernel\":0,\"threads\":1025,\"shared_bytes\":1,",
          "from 1 to 1024");
  refused(kernel, "\"kernel\":0,\"threads\":1,\"shared_bytes\":-1,",
          "from 0 to 262144");
  refused(kernel, "\"kernel\":0,\"threads\":1,\"shared_bytes\":262145,",
          "from 0 to 262144");
  refused(kernel, "\"kernel\":1,\"threads\":1,\"shared_bytes\":16,",
          "from 0 to 0");
  refused("\"sim_sm_90a_all\"", "\"braid_step_ent\"", "\"sim_sm_90a_\"");
  refused("\"braid_step_sm_90a\"", "\"braid_prepare_0\"",
          "\"braid_step_sm_90a\"");
  refused("\"target\": \"sm_90a\"", "\"target\": \"sm_../\"", "a target such");
  refused("\"cubin\": false", "\"cubin\": true",
          "has no section .braid.gpu.sm_90a.cubin");
}

TEST_F(ArtifactTest, MissingCpuFeature) {
  model.edit("\"features\": []},\"step\"", "\"features\":[1]},\"step\"");
  EXPECT_NE(errorOf([&] { model.open(); }).find("expected a string"),
            std::string::npos);
}

} // namespace
