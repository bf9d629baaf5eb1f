//===- Fake.cpp - the fake model on disk ----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/artifact.h"
#include "braid-rt/checkpoint.h"
#include "braid-rt/weights.h"

#include <fstream>
#include <sstream>

namespace braid::rt::test {

namespace fs = std::filesystem;

Folder::Folder() {
  std::string pattern = fs::temp_directory_path() / "braid-rt-test.XXXXXX";
  path = mkdtemp(pattern.data());
}

Folder::~Folder() { fs::remove_all(path); }

std::string Folder::operator/(const std::string &name) const {
  return path / name;
}

std::string readFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void writeFile(const std::string &path, const std::string &bytes) {
  // A new file, not the old one cut: file systems flush the latter, and an
  // engine may have it loaded.
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

static void writeCheckpoint(const std::string &folder) {
  fs::create_directory(folder);
  std::vector<std::vector<float>> data;
  std::vector<TensorToWrite> tensors;
  auto add = [&](const std::string &name, int64_t count, float start) {
    std::vector<float> &values = data.emplace_back();
    for (int64_t i = 0; i < count; ++i)
      values.push_back(start + float(i) / 64);
    tensors.push_back({name, "F32", {count}, values.data(), 4 * size_t(count)});
  };
  data.reserve(16);
  add("bias", kVocabulary, 0);
  for (int layer = 0; layer < 2; ++layer)
    for (int expert = 0; expert < 3; ++expert)
      add("layers." + std::to_string(layer) + ".experts." +
              std::to_string(expert) + ".up.weight",
          4, float(layer + expert) / 8);
  writeSafetensors(folder + "/model.safetensors", tensors);
}

FakeModel::FakeModel(Kind kind) {
  fs::copy_file(kind == Gpu ? BRAID_FAKE_GPU_MODEL : BRAID_FAKE_MODEL,
                artifact());
  fs::permissions(artifact(), fs::perms::owner_all);
  writeCheckpoint(checkpoint());
  sealArtifact(artifact(), "");
  PackedFile packed = preparePacked(Artifact::open(artifact()), checkpoint(),
                                    weights(), nullptr);
  sealArtifact(artifact(), packed.headerSha256);
}

void FakeModel::edit(const std::string &from, const std::string &to) const {
  std::string file = readFile(artifact());
  size_t at = file.find(from);
  ASSERT_NE(at, file.npos) << from;
  ASSERT_EQ(from.size(), to.size());
  writeFile(artifact(), file.replace(at, to.size(), to));
  sealArtifact(artifact(), "");
}

std::string errorOf(const std::function<void()> &action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  ADD_FAILURE() << "expected an Error";
  return "";
}

std::vector<float> logitsOf(Session &session, int sequence,
                            std::vector<int32_t> ids, size_t piece) {
  std::vector<float> all;
  for (std::span<const int32_t> rest(ids); !rest.empty();) {
    auto some = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(some.size());
    Feed feed{sequence, some, Logits::All};
    session.step({&feed, 1});
    all.insert(all.end(), session.logits(),
               session.logits() + some.size() * kVocabulary);
  }
  return all;
}

} // namespace braid::rt::test
