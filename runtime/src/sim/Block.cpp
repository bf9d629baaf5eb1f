//===- Block.cpp - one block of threads, simulated ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Block.h"

#include <algorithm>

namespace braid::rt {

static SimThread &threadOf(braid_sim *self) {
  return *static_cast<SimThread *>(self);
}

/// What generated code calls.
static const braid_sim_calls kCalls = {
    [](braid_sim *self, const char *site, void *address, int64_t bytes,
       int32_t write) {
      SimThread &thread = threadOf(self);
      thread.block_->access(thread, site, address, uint64_t(bytes), write);
    },
    [](braid_sim *self, const char *site) {
      SimThread &thread = threadOf(self);
      thread.block_->barrier(thread, site);
    },
    [](braid_sim *self, const char *site, int32_t mask) {
      SimThread &thread = threadOf(self);
      thread.block_->syncWarp(thread, site, mask);
    },
    [](braid_sim *self, const char *site, int32_t mask, int32_t value,
       int32_t offset, int32_t clamp, int32_t kind) {
      SimThread &thread = threadOf(self);
      thread.mask = mask, thread.value = value, thread.offset = offset;
      thread.clamp = clamp, thread.kind = kind;
      return thread.block_->shuffle(thread, site);
    },
    [](braid_sim *self, const char *site, void *shared, const void *global,
       int32_t size, int32_t bytes) {
      SimThread &thread = threadOf(self);
      thread.block_->copyAsync(thread,
                               {site, static_cast<std::byte *>(shared),
                                static_cast<const std::byte *>(global),
                                uint64_t(size), uint64_t(bytes)});
    },
    [](braid_sim *self, const char *) {
      SimThread &thread = threadOf(self);
      thread.block_->commitCopies(thread);
    },
    [](braid_sim *self, const char *, int32_t groups) {
      SimThread &thread = threadOf(self);
      thread.block_->waitCopies(thread, size_t(groups));
    },
    [](braid_sim *self, const char *site, const void *row, int32_t count,
       int32_t transposed, uint32_t *words) {
      SimThread &thread = threadOf(self);
      thread.row = static_cast<const std::byte *>(row), thread.words = words;
      thread.value = count, thread.kind = transposed;
      thread.block_->meetWarp(thread, site, WarpOp::LoadMatrix);
    },
    [](braid_sim *self, const char *site, uint32_t *words) {
      SimThread &thread = threadOf(self);
      thread.words = words;
      thread.block_->meetWarp(thread, site, WarpOp::Multiply);
    },
    [](braid_sim *self, const char *site, int32_t mask, int32_t value) {
      SimThread &thread = threadOf(self);
      return thread.block_->combine(thread, site, WarpOp::Sum, mask, value);
    },
    [](braid_sim *self, const char *site, int32_t mask, int32_t value) {
      SimThread &thread = threadOf(self);
      return thread.block_->combine(thread, site, WarpOp::Match, mask, value);
    },
    [](braid_sim *self, const char *site, void *mbarrier, int32_t arrivals) {
      SimThread &thread = threadOf(self);
      thread.block_->initMbarrier(thread, site, mbarrier, arrivals);
    },
    [](braid_sim *self, const char *site, void *mbarrier, int32_t bytes) {
      SimThread &thread = threadOf(self);
      thread.block_->arrive(thread, site, mbarrier, bytes);
    },
    [](braid_sim *self, const char *site, void *mbarrier, int32_t parity) {
      SimThread &thread = threadOf(self);
      thread.block_->waitForPhase(thread, site, mbarrier, parity);
      return 1;
    },
    [](braid_sim *self, const char *) {
      SimThread &thread = threadOf(self);
      thread.block_->fenceMbarriers(thread);
    },
    [](braid_sim *self, const char *) { ++threadOf(self).fences; },
    [](braid_sim *self, const char *site, void *shared,
       const braid_tensor_map *map, int32_t column, int32_t row,
       void *mbarrier) {
      SimThread &thread = threadOf(self);
      TileCopy copy{site, 0, map, column, row, 0, 0, 0};
      thread.block_->copyTile(thread, copy, shared, mbarrier);
    },
    [](braid_sim *self, const char *site, uint32_t *words, int32_t n,
       uint64_t b) {
      SimThread &thread = threadOf(self);
      thread.block_->wgmma(thread, site, words, n, b);
    },
    [](braid_sim *self, const char *site) {
      SimThread &thread = threadOf(self);
      thread.block_->fenceWgmma(thread, site);
    },
    [](braid_sim *self, const char *site) {
      SimThread &thread = threadOf(self);
      thread.block_->commitWgmma(thread, site);
    },
    [](braid_sim *self, const char *site, int64_t groups) {
      SimThread &thread = threadOf(self);
      thread.block_->waitWgmma(thread, site, uint32_t(groups));
    },
    [](braid_sim *self, const char *site) {
      SimThread &thread = threadOf(self);
      thread.block_->readSum(thread, site);
    },
};

void Block::note(const SimThread &thread, const char *site,
                 const std::string &what) {
  if (!message.empty())
    return;
  message = std::string(site) + ": block (" + std::to_string(place[0]) + ", " +
            std::to_string(place[1]) + ", " + std::to_string(place[2]) +
            "), thread " + std::to_string(thread.number) + ": " + what;
}

/// Leaves the fiber for good: nobody resumes it.
void Block::fail(SimThread &thread, const char *site, const std::string &what) {
  note(thread, site, what);
  thread.fiber.pause();
  __builtin_unreachable();
}

//===----------------------------------------------------------------------===//
// Meeting
//===----------------------------------------------------------------------===//

void Block::barrier(SimThread &thread, const char *site) {
  thread.state = SimThread::State::AtBarrier;
  thread.site = site;
  thread.fiber.pause();
}

void Block::waitForWarp(SimThread &thread, const char *site, int32_t mask) {
  thread.mask = mask;
  thread.site = site;
  thread.state = SimThread::State::AtWarp;
  thread.fiber.pause();
}

void Block::syncWarp(SimThread &thread, const char *site, int32_t mask) {
  thread.op = WarpOp::Sync;
  waitForWarp(thread, site, mask);
}

int64_t Block::shuffle(SimThread &thread, const char *site) {
  thread.op = WarpOp::Shuffle;
  waitForWarp(thread, site, thread.mask);
  return thread.result;
}

/// The lane that a lane reads from, and whether there is one (PTX, shfl.sync).
static std::pair<int, bool> sourceLane(const SimThread &thread, int lane) {
  int segment = (thread.clamp >> 8) & 31, bound = thread.clamp & 31;
  int last = (lane & segment) | (bound & ~segment);
  int first = lane & segment;
  int from = lane;
  bool valid = true;
  switch (thread.kind) {
  case 0:
    from = lane ^ thread.offset, valid = from <= last;
    break;
  case 1:
    from = lane - thread.offset, valid = from >= last;
    break;
  case 2:
    from = lane + thread.offset, valid = from <= last;
    break;
  default:
    from = first | (thread.offset & 31 & ~segment), valid = from <= last;
  }
  return {valid ? from : lane, valid};
}

void Block::meetWarp(SimThread &thread, const char *site, WarpOp op) {
  thread.op = op;
  waitForWarp(thread, site, -1);
}

void Block::exchange(SimThread &own, int lane) {
  auto [from, valid] = sourceLane(own, lane);
  if (!(uint32_t(own.mask) >> from & 1))
    return note(own, own.site,
                "shuffles with lane " + std::to_string(from) +
                    ", which does not take part");
  SimThread &other = threads[own.number / kWarp * kWarp + size_t(from)];
  own.result = int64_t(uint32_t(other.value)) | int64_t(valid) << 32;
}

int32_t Block::combine(SimThread &thread, const char *site, WarpOp op,
                       int32_t mask, int32_t value) {
  thread.op = op;
  thread.value = value;
  waitForWarp(thread, site, mask);
  return int32_t(thread.result);
}

/// Sum: of all values, modulo 2^32. Match: the lanes whose value is the same.
void Block::combineLane(SimThread &own) {
  size_t first = own.number / kWarp * kWarp;
  uint32_t result = 0;
  for (int lane = 0; lane < kWarp; ++lane) {
    if (!(uint32_t(own.mask) >> lane & 1))
      continue;
    int32_t value = threads[first + size_t(lane)].value;
    if (own.op == WarpOp::Sum)
      result += uint32_t(value);
    else if (value == own.value)
      result |= 1u << lane;
  }
  own.result = result;
}

/// Runs the operation of the thread's warp for all lanes that take part.
void Block::finishWarp(SimThread &thread) {
  size_t first = thread.number / kWarp * kWarp;
  auto mask = uint32_t(thread.mask);
  if (thread.op == WarpOp::LoadMatrix)
    loadMatrices(first);
  else if (thread.op == WarpOp::Multiply)
    multiplyMatrices(first);
  else
    for (int lane = 0; lane < kWarp; ++lane) {
      if (!(mask >> lane & 1))
        continue;
      SimThread &own = threads[first + size_t(lane)];
      if (own.op == WarpOp::Shuffle)
        exchange(own, lane);
      else if (own.op == WarpOp::Sync)
        ++own.warpEpoch;
      else
        combineLane(own);
    }
  if (thread.op == WarpOp::Sync)
    shareClocks(first, std::min(first + kWarp, count), mask);
  for (int lane = 0; lane < kWarp; ++lane)
    if (mask >> lane & 1)
      threads[first + size_t(lane)].state = SimThread::State::Ready;
}

/// Threads that have met know of asynchronous operations what each of them knew.
void Block::shareClocks(size_t first, size_t last, uint32_t mask) {
  VectorClock all;
  auto each = [&](auto visit) {
    for (size_t i = first; i < last; ++i)
      if (mask >> i % kWarp & 1)
        visit(threads[i].clock);
  };
  each([&](VectorClock &clock) { all.merge(clock); });
  each([&](VectorClock &clock) { clock = all; });
}

bool Block::releaseBarrier() {
  for (size_t i = 0; i < count; ++i)
    if (threads[i].state != SimThread::State::AtBarrier ||
        threads[i].site != threads[0].site)
      return false;
  for (size_t i = 0; i < count; ++i)
    threads[i].state = SimThread::State::Ready;
  shareClocks(0, count, ~0u);
  ++epoch;
  return true;
}

/// Whether a lane that is not there can still come: it runs, or waits for what
/// others may do.
bool Block::mayCome(const SimThread &waiting, size_t other) {
  using State = SimThread::State;
  if (other >= count)
    return false;
  const SimThread &lane = threads[other];
  if (lane.state == State::AtWarp)
    return lane.site == waiting.site && lane.mask == waiting.mask;
  return lane.state == State::Ready || lane.state == State::AtMbarrier;
}

/// Every lane that a waiting lane names has to wait at the same place.
bool Block::releaseWarps() {
  bool released = false;
  for (size_t i = 0; i < count; ++i) {
    SimThread &thread = threads[i];
    if (thread.state != SimThread::State::AtWarp)
      continue;
    size_t first = i / kWarp * kWarp;
    bool complete = true;
    for (int lane = 0; lane < kWarp; ++lane) {
      if (!(uint32_t(thread.mask) >> lane & 1))
        continue;
      size_t other = first + size_t(lane);
      if (!mayCome(thread, other)) {
        note(thread, thread.site,
             "waits for lane " + std::to_string(lane) +
                 ", which does not come: divergent warp");
        return false;
      }
      complete &= threads[other].state == SimThread::State::AtWarp;
    }
    if (!complete)
      continue;
    finishWarp(thread);
    released = true;
  }
  return released;
}

/// Says of one waiting thread what does not come.
void Block::noteStuck() {
  using State = SimThread::State;
  auto waiting = [&](State state) -> const SimThread * {
    for (size_t i = 0; i < count; ++i)
      if (threads[i].state == state)
        return &threads[i];
    return nullptr;
  };
  if (const SimThread *thread = waiting(State::AtMbarrier))
    return noteMissing(*thread);
  if (const SimThread *thread = waiting(State::AtWarpgroup))
    return note(*thread, thread->site,
                "waits for the other threads of its four warps, which do not "
                "come: divergent warpgroup");
  const SimThread *thread = waiting(State::AtBarrier);
  size_t other = 0;
  while (threads[other].state == State::AtBarrier &&
         threads[other].site == threads[0].site)
    ++other;
  note(*thread, thread->site,
       "waits at a barrier that thread " + std::to_string(other) +
           " does not come to: divergent barrier");
}

bool Block::releaseWaiting() {
  bool released = releaseMbarriers();
  released |= releaseWarps();
  released |= releaseWarpgroups();
  if (!message.empty())
    return false;
  if (released || releaseBarrier() || moveOneTile())
    return true;
  noteStuck();
  return false;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void Block::prepare(const SimKernel &newKernel, const braid_launch &launch,
                    const int64_t newPlace[3]) {
  kernel = &newKernel;
  parameters = launch.values;
  count = size_t(kernel->threads);
  std::copy_n(newPlace, 3, place);
  while (threads.size() < count)
    threads.emplace_back();
  // Kernels align their tiles to 1024; with as much as can be described, the low
  // bits of an address are its place, as descriptors have it.
  constexpr uint64_t kAlign = 256 << 10;
  if (memory.size() < kernel->sharedBytes + kAlign) {
    memory.resize(kernel->sharedBytes + kAlign);
    shadow.resize(kernel->sharedBytes);
  }
  auto start = reinterpret_cast<uintptr_t>(memory.data());
  shared = memory.data() + (kAlign - start % kAlign) % kAlign;
  sharedBytes = kernel->sharedBytes;
  shadow.forget(++epoch);
  async.clear();
  for (size_t i = 0; i < count; ++i) {
    SimThread &thread = threads[i];
    thread.number = uint16_t(i);
    thread.thread[0] = int64_t(i);
    thread.threads[0] = int64_t(count);
    thread.threads[1] = thread.threads[2] = 1;
    std::copy_n(place, 3, thread.block);
    std::copy_n(launch.grid, 3, thread.blocks);
    thread.shared = shared;
    thread.calls = &kCalls;
    thread.block_ = this;
    thread.lastRange = nullptr;
    thread.open.clear();
    thread.groups.clear();
    thread.clock.clear();
    thread.wgmmaGroups = 0;
    thread.wgmmaFenced = thread.wgmmaOpen = false;
    thread.wgmmaSteps.clear();
    thread.state = SimThread::State::Ready;
    thread.fiber.start(
        [](void *self) {
          auto &own = *static_cast<SimThread *>(self);
          own.block_->kernel->function(&own, own.block_->parameters);
        },
        &thread);
  }
}

bool Block::run(const SimKernel &newKernel, const braid_launch &launch,
                const int64_t newPlace[3],
                const std::vector<MemoryRange> &newRanges) {
  message.clear();
  ranges = &newRanges;
  prepare(newKernel, launch, newPlace);
  for (;;) {
    size_t done = 0;
    for (size_t i = 0; i < count; ++i) {
      SimThread &thread = threads[i];
      if (thread.state == SimThread::State::Ready && !thread.fiber.resume())
        thread.state = SimThread::State::Done;
      if (!message.empty())
        return false;
      done += thread.state == SimThread::State::Done;
    }
    if (done == count)
      return endsQuietly();
    if (!releaseWaiting())
      return false;
  }
}

} // namespace braid::rt
