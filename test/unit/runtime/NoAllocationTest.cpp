//===- NoAllocationTest.cpp - a step allocates nothing --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// malloc and mmap are interposed in this executable and counted.
//===----------------------------------------------------------------------===//
#include "Fake.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static std::atomic<int64_t> calls{0};

#ifndef SANITIZED
extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t bytes) { return ++calls, __libc_malloc(bytes); }
void *calloc(size_t n, size_t bytes) {
  return ++calls, __libc_calloc(n, bytes);
}
void *realloc(void *p, size_t bytes) {
  return ++calls, __libc_realloc(p, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  return ++calls, __libc_memalign(alignment, bytes);
}
void *mmap(void *at, size_t bytes, int protection, int flags, int file,
           off_t offset) noexcept {
  ++calls;
  return reinterpret_cast<void *>(
      syscall(SYS_mmap, at, bytes, protection, flags, file, offset));
}
}
#endif

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

/// Calls of malloc and mmap in 100 steps with `batch` sequences.
int64_t callsIn100Steps(int batch) {
  FakeModel model;
  auto engine = model.open({.threads = 3});
  Session session(*engine);
  Sampler sampler({.temperature = 1, .topK = 5, .topP = 0.9}, kVocabulary);
  std::vector<Feed> feeds;
  std::vector<int32_t> ids(8, 1);
  for (int i = 0; i < batch; ++i) // ragged: 1, 2, .. tokens at a time
    feeds.push_back({session.create(), {ids.data(), size_t(i) + 1}});
  int64_t before = calls;
  for (int step = 0; step < 100; ++step) {
    session.step(feeds);
    for (const Feed &feed : feeds)
      ids[size_t(feed.sequence)] = sampler.choose(
          session.next(feed.sequence), session.position(feed.sequence));
  }
  return calls - before;
}

TEST(NoAllocation, CountsAtAll) {
#ifdef SANITIZED
  GTEST_SKIP() << "sanitizers replace malloc";
#endif
  int64_t before = calls;
  void *volatile memory = malloc(100); // volatile: must not be optimised away
  free(memory);
  memory = operator new(100);
  operator delete(memory);
  munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
         4096);
  EXPECT_GE(calls - before, 3);
}

TEST(NoAllocation, Batch1) { EXPECT_EQ(callsIn100Steps(1), 0); }
TEST(NoAllocation, Ragged7) { EXPECT_EQ(callsIn100Steps(7), 0); }

} // namespace
