//===- FakeGpu.h - the fake driver in a test ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TEST_UNIT_RUNTIME_FAKEGPU_H
#define BRAID_TEST_UNIT_RUNTIME_FAKEGPU_H

#include "Fake.h"

namespace braid::rt::test {

/// A model with GPU code, and while it lives the fake driver in the place of
/// the real one. Settings: test/fake_cuda/Fake.h.
class FakeGpu {
public:
  FakeGpu();
  ~FakeGpu();
  /// For engines that are opened from now on.
  void set(const std::string &settings) const;
  EngineOptions options() const;
  std::unique_ptr<Engine> open() const { return model.open(options()); }

  /// Since the latest engine was opened.
  static int calls(const std::string &function);
  /// What the runtime has not given back; empty: nothing.
  static std::string leftovers();

  FakeModel model{FakeModel::Gpu};
};

/// Everything that a session can do, its results in one list: a ragged prompt
/// on two threads, hidden states, decode steps of one and of two sequences,
/// fork, save and restore.
std::vector<float> everything(Engine &engine, const Folder &folder);

} // namespace braid::rt::test

#endif // BRAID_TEST_UNIT_RUNTIME_FAKEGPU_H
