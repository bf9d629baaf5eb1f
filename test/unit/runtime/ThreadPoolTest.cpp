//===- ThreadPoolTest.cpp - every item once, whoever takes it -------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "cpu/ThreadPool.h"
#include "braid-rt/error.h"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/resource.h>
#include <unistd.h>

using namespace braid::rt;

namespace {

struct Count {
  std::vector<int> seen; // plain: a race on it is a bug (see TSan)
  int64_t grain;
  std::atomic<int64_t> slices{0};
};

void count(void *captures, int64_t lo, int64_t hi, void *scratch) {
  Count &c = *static_cast<Count *>(captures);
  EXPECT_LT(lo, hi);
  EXPECT_EQ(lo % c.grain, 0);
  *static_cast<int64_t *>(scratch) = lo; // private: nobody else writes it
  for (int64_t i = lo; i < hi; ++i)
    ++c.seen[size_t(i)];
  EXPECT_EQ(*static_cast<int64_t *>(scratch), lo);
  ++c.slices;
}

TEST(ThreadPool, EveryItemOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads, 64);
    EXPECT_EQ(pool.size(), threads);
    for (int64_t n : {0, 1, 2, 7, 64, 1000, 4097})
      for (int64_t grain : {1, 3, 64, 5000}) {
        Count c{std::vector<int>(size_t(n)), grain};
        pool.parallelFor(count, &c, n, grain);
        EXPECT_EQ(c.seen, std::vector<int>(size_t(n), 1));
        EXPECT_LE(c.slices, 8 * threads);
        if (n > 0 && n <= grain) {
          EXPECT_EQ(c.slices, 1);
        }
      }
  }
}

TEST(ThreadPool, ManyRegions) {
  ThreadPool pool(4, 64);
  Count c{std::vector<int>(50), 1};
  for (int i = 0; i < 20000; ++i)
    pool.parallelFor(count, &c, 50, 1);
  EXPECT_EQ(c.seen, std::vector<int>(50, 20000));
}

TEST(ThreadPool, SleepersWake) {
  ThreadPool pool(4, 64);
  Count c{std::vector<int>(500), 1};
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    pool.parallelFor(count, &c, 500, 1);
  }
  EXPECT_EQ(c.seen, std::vector<int>(500, 20));
}

TEST(ThreadPool, CallerSleepsForASlowThread) {
  ThreadPool pool(3, 64);
  auto slow = [](void *captures, int64_t lo, int64_t, void *) {
    if (lo % 2)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ++*static_cast<std::atomic<int> *>(captures);
  };
  std::atomic<int> done{0};
  for (int i = 0; i < 20; ++i)
    pool.parallelFor(slow, &done, 3, 1);
  EXPECT_EQ(done, 60);
}

/// For a child process: room for the stacks of a few threads, then too many.
[[noreturn]] void exitWithPoolError() {
  long pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit{rlim_t(pages * sysconf(_SC_PAGESIZE) + (64 << 20)),
               RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
  try {
    ThreadPool pool(200, 64);
  } catch (const Error &error) {
    std::fprintf(stderr, "%s; %s\n", error.what(), error.hint.c_str());
    _exit(7);
  }
  _exit(0);
}

TEST(ThreadPool, ThreadsThatCannotBeStartedAreAnError) {
  EXPECT_EXIT(exitWithPoolError(), testing::ExitedWithCode(7),
              "threads: only [0-9]+ of 200 could be started; "
              "ask for fewer with --threads");
}

TEST(ThreadPool, StartsAndStops) {
  for (int i = 0; i < 200; ++i)
    ThreadPool(5, 0);
}

} // namespace
