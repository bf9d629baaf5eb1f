//===- Fake.h - the fake model on disk ------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TEST_UNIT_RUNTIME_FAKE_H
#define BRAID_TEST_UNIT_RUNTIME_FAKE_H

#include "braid-rt/error.h"
#include "braid-rt/generate.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace braid::rt::test {

constexpr int64_t kVocabulary = 16;

/// An empty folder that goes with the object.
class Folder {
public:
  Folder();
  ~Folder();
  std::string operator/(const std::string &name) const;

private:
  std::filesystem::path path;
};

std::string readFile(const std::string &path);
void writeFile(const std::string &path, const std::string &bytes);

/// model.braid, its weights, and the checkpoint they were packed from.
class FakeModel {
public:
  enum Kind { Cpu, Gpu };
  explicit FakeModel(Kind kind = Cpu);

  Folder folder;
  std::string artifact() const { return folder / "model.braid"; }
  std::string weights() const { return folder / "model.braid.weights"; }
  std::string checkpoint() const { return folder / "checkpoint"; }

  /// Replaces text in the manifest by text of the same length and seals again.
  void edit(const std::string &from, const std::string &to) const;
  std::unique_ptr<Engine> open(const EngineOptions &options = {}) const {
    return Engine::open(artifact(), options);
  }
};

/// What the action's Error says; fails the test if there is none.
std::string errorOf(const std::function<void()> &action);

/// The logits after each of `ids`, fed in pieces of the given length.
std::vector<float> logitsOf(Session &session, int sequence,
                            std::vector<int32_t> ids, size_t piece);

} // namespace braid::rt::test

#endif // BRAID_TEST_UNIT_RUNTIME_FAKE_H
