//===- ThreadPool.h - parallel regions of compiled code -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CPU_THREADPOOL_H
#define BRAID_RT_SRC_CPU_THREADPOOL_H

#include "braid-rt/abi.h"
#include "core/Region.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace braid::rt {

/// Threads that share the slices of one region after another. The calling
/// thread takes part; between regions the others spin for a short while, then
/// sleep. A region costs well under a microsecond while they spin, and no
/// allocation ever.
///
/// One region at a time: parallelFor must not be called from two threads at
/// once, nor from within a body.
class ThreadPool {
public:
  /// `threads` counts the caller; each gets `scratchBytes` of private memory.
  /// REQUIRES: 1 <= threads <= kMaxThreads.
  ThreadPool(int threads, uint64_t scratchBytes);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  static constexpr int kMaxThreads = 1024;

  int size() const { return int(workers.size()) + 1; }

  /// Runs body over 0 <= i < n in slices whose first item is a multiple of
  /// `grain`; returns when all are done. What the bodies wrote is visible.
  void parallelFor(braid_body_fn body, void *captures, int64_t n,
                   int64_t grain);

private:
  /// Ends and joins all workers.
  void stop();
  /// epoch (32 bits) : slices (16) : next slice (16). One word, so that a
  /// thread that comes late cannot take a slice of another region.
  using State = uint64_t;

  void work(int thread);
  bool takeSlice(State seen, int thread);
  State waitForRegion(State seen);
  void waitForSlices(uint32_t slices);
  void publish(uint32_t slices);
  void *scratchOf(int thread) const;

  // The region. Written while no slice is out, read by owners of a slice.
  braid_body_fn body = nullptr;
  void *captures = nullptr;
  int64_t items = 0, sliceItems = 0;

  alignas(64) std::atomic<State> state{0};
  alignas(64) std::atomic<uint32_t> done{0};
  std::atomic<uint32_t> sleepers{0}, callerSleeps{0};
  std::atomic<bool> stopping{false};

  uint64_t scratchStride;
  Region scratch;
  std::vector<std::thread> workers;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CPU_THREADPOOL_H
