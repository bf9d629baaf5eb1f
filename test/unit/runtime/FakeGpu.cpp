//===- FakeGpu.cpp - the fake driver in a test ----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FakeGpu.h"

#include <cstdlib>
#include <dlfcn.h>
#include <thread>

namespace braid::rt::test {

template <typename Function> static Function *find(const char *name) {
  static void *library = dlopen(BRAID_FAKE_CUDA_LIBRARY, RTLD_NOW);
  return reinterpret_cast<Function *>(dlsym(library, name));
}

FakeGpu::FakeGpu() {
  setenv("BRAID_CUDA_LIBRARY", BRAID_FAKE_CUDA_LIBRARY, 1);
  set("");
}
FakeGpu::~FakeGpu() {
  unsetenv("BRAID_CUDA_LIBRARY");
  unsetenv("BRAID_FAKE_CUDA");
}

void FakeGpu::set(const std::string &settings) const {
  std::string all = "artifact=" + model.artifact();
  if (!settings.empty())
    all += "," + settings;
  setenv("BRAID_FAKE_CUDA", all.c_str(), 1);
}

EngineOptions FakeGpu::options() const {
  return {.device = "cuda", .threads = 1, .context = 600, .maxSequences = 4,
          .maxRows = 40};
}

int FakeGpu::calls(const std::string &function) {
  return find<int(const char *)>("braid_fake_cuda_calls")(function.c_str());
}
std::string FakeGpu::leftovers() {
  return find<const char *()>("braid_fake_cuda_leftovers")();
}

namespace {
/// Feeds, and keeps what comes out.
struct Recorder {
  Session session;
  std::vector<float> all;

  void step(std::vector<Feed> feeds) {
    session.step(feeds);
    size_t rows = 0;
    for (const Feed &feed : feeds) {
      rows += feed.logits == Logits::All    ? feed.ids.size()
              : feed.logits == Logits::Last ? 1
                                            : 0;
      if (const float *next = session.next(feed.sequence))
        all.insert(all.end(), next, next + kVocabulary);
    }
    all.insert(all.end(), session.logits(),
               session.logits() + rows * kVocabulary);
  }
  void decode(std::vector<int> sequences, int steps) {
    static const int32_t ids[] = {3, 1, 4, 1, 5, 9, 2, 6};
    for (int i = 0; i < steps; ++i) {
      std::vector<Feed> feeds;
      for (int sequence : sequences)
        feeds.push_back({sequence, {ids + (i + sequence) % 8, 1}});
      step(feeds);
    }
  }
};
} // namespace

static void onAnotherThread(const std::function<void()> &action) {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      action();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown)
    std::rethrow_exception(thrown);
}

std::vector<float> everything(Engine &engine, const Folder &folder) {
  Recorder r{Session(engine), {}};
  std::vector<int32_t> a = {1, 2, 3, 4, 5, 6, 7}, b(30, 9);
  int first = r.session.create(), second = r.session.create();
  onAnotherThread([&] {
    r.step({{first, a, Logits::All}, {second, b, Logits::Last}});
  });
  r.decode({first}, 2);
  r.decode({first, second}, 3);
  r.step({{first, a, Logits::None}, {second, a, Logits::All}});
  int copy = r.session.fork(second);
  r.decode({second}, 1);
  r.decode({copy, first}, 2);
  r.session.save(copy, folder / "saved");
  r.session.release(copy);
  int restored = r.session.restore(folder / "saved");
  r.decode({restored}, 2);
  const Manifest &m = engine.manifest();
  std::vector<float> hidden(size_t((m.layers + 1) * 7 * m.hidden));
  Feed feed{first, a};
  r.session.step({&feed, 1}, hidden.data());
  r.all.insert(r.all.end(), hidden.begin(), hidden.end());
  for (int i = 0; i < 9; ++i) // Past 256 tokens: state grows.
    r.step({{second, b}});
  return r.all;
}

} // namespace braid::rt::test
