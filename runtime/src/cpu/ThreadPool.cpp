//===- ThreadPool.cpp - parallel regions of compiled code -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ThreadPool.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <linux/futex.h>
#include <system_error>
#include <sys/syscall.h>
#include <unistd.h>

namespace braid::rt {

/// Pauses before a thread sleeps: longer spinning burns the time slice that
/// the thread it waits for needs when the machine is shared.
static constexpr int kSpins = 2000;
/// Small enough that a slow thread delays the end little, large enough that
/// taking slices costs nothing.
static constexpr int64_t kSlicesPerThread = 8;

static void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

static void futexWait(const void *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

static void futexWake(const void *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

static uint32_t epochOf(uint64_t state) { return uint32_t(state >> 32); }
static uint32_t slicesOf(uint64_t state) { return (state >> 16) & 0xffff; }
static uint32_t nextOf(uint64_t state) { return state & 0xffff; }

/// The kernel compares 32 bits: those of the epoch.
static const void *epochWord(const std::atomic<uint64_t> &state) {
  static_assert(std::endian::native == std::endian::little);
  return reinterpret_cast<const char *>(&state) + 4;
}

ThreadPool::ThreadPool(int threads, uint64_t scratchBytes)
    : scratchStride((scratchBytes + 127) / 128 * 128),
      scratch(scratchStride * uint64_t(threads), "scratch memory of threads") {
  try {
    for (int i = 1; i < threads; ++i)
      workers.emplace_back([this, i] { work(i); });
  } catch (const std::system_error &) {
    size_t started = workers.size() + 1;
    stop(); // Threads that run must not be destroyed.
    throw Error("threads: only " + std::to_string(started) + " of " +
                    std::to_string(threads) + " could be started",
                "ask for fewer with --threads");
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping.store(true);
  publish(0);
  futexWake(epochWord(state), INT_MAX);
  for (std::thread &worker : workers)
    worker.join();
}

void *ThreadPool::scratchOf(int thread) const {
  return scratch.data() + scratchStride * uint64_t(thread);
}

void ThreadPool::publish(uint32_t slices) {
  uint32_t epoch = epochOf(state.load(std::memory_order_relaxed)) + 1;
  state.store(uint64_t(epoch) << 32 | slices << 16);
  // A thread counts itself as asleep before it looks at the epoch for the last
  // time: either it sees this epoch or we see it.
  if (sleepers.load() > 0)
    futexWake(epochWord(state), int(slices));
}

void ThreadPool::parallelFor(braid_body_fn function, void *context, int64_t n,
                             int64_t grain) {
  if (n <= 0)
    return;
  grain = std::max<int64_t>(grain, 1);
  if (workers.empty() || n <= grain) {
    function(context, 0, n, scratchOf(0));
    return;
  }
  int64_t grains = (n + grain - 1) / grain;
  int64_t wanted = kSlicesPerThread * size();
  body = function;
  captures = context;
  items = n;
  sliceItems = (grains + wanted - 1) / wanted * grain;
  uint32_t slices = uint32_t((n + sliceItems - 1) / sliceItems);
  done.store(0, std::memory_order_relaxed);
  publish(slices);
  while (takeSlice(state.load(std::memory_order_acquire), 0))
    ;
  waitForSlices(slices);
}

/// Runs the next slice of the region in `seen`. False if none is left; true
/// also if another thread was faster.
bool ThreadPool::takeSlice(State seen, int thread) {
  uint32_t slices = slicesOf(seen), slice = nextOf(seen);
  if (slice >= slices)
    return false;
  if (!state.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                   std::memory_order_relaxed))
    return true;
  int64_t lo = slice * sliceItems;
  body(captures, lo, std::min(lo + sliceItems, items), scratchOf(thread));
  if (done.fetch_add(1) + 1 == slices && callerSleeps.load())
    futexWake(&done, 1);
  return true;
}

void ThreadPool::waitForSlices(uint32_t slices) {
  for (int i = 0; i < kSpins; ++i) {
    if (done.load(std::memory_order_acquire) == slices)
      return;
    pause();
  }
  callerSleeps.store(1);
  for (uint32_t now; (now = done.load()) != slices;)
    futexWait(&done, now);
  callerSleeps.store(0);
}

/// Returns the first state of a later epoch than `seen`.
ThreadPool::State ThreadPool::waitForRegion(State seen) {
  for (int i = 0; i < kSpins; ++i) {
    State now = state.load(std::memory_order_acquire);
    if (epochOf(now) != epochOf(seen))
      return now;
    pause();
  }
  sleepers.fetch_add(1);
  State now;
  while (epochOf(now = state.load()) == epochOf(seen))
    futexWait(epochWord(state), epochOf(seen));
  sleepers.fetch_sub(1);
  return now;
}

void ThreadPool::work(int thread) {
  // Not the present state: a region may have been published before this
  // thread ran, and must not be missed by all of them.
  State seen = 0;
  while (true) {
    seen = waitForRegion(seen);
    if (stopping.load())
      return;
    while (takeSlice(state.load(std::memory_order_acquire), thread))
      ;
  }
}

} // namespace braid::rt
