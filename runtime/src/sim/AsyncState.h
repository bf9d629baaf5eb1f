//===- AsyncState.h - what happens in a block beside its threads ----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asynchronous operations are done by agents that are no threads. What a thread
// knows of them is a vector clock: for each agent the number up to which its
// operations are over. A thread learns from the waits that it does, and from
// other threads where barriers order it after them. Agents are warps, whose
// numbers are groups of wgmma, and mbarriers, whose numbers are phases.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_ASYNCSTATE_H
#define BRAID_RT_SRC_SIM_ASYNCSTATE_H

#include "braid-rt/abi.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace braid::rt {

class VectorClock {
public:
  uint32_t operator[](size_t agent) const {
    return agent < numbers.size() ? numbers[agent] : 0;
  }
  void advance(size_t agent, uint32_t number);
  void merge(const VectorClock &other);
  void clear() { numbers.clear(); }

private:
  std::vector<uint32_t> numbers;
};

struct Mbarrier {
  uint64_t offset = 0; ///< In shared memory.
  uint16_t initialiser = 0;
  uint32_t arrivals = 0; ///< Of each phase.
  uint32_t pending = 0;  ///< Of the current one.
  int64_t bytes = 0; ///< That the current phase still expects.
  uint32_t phase = 0;
  bool visible = false; ///< To asynchronous operations.
  VectorClock arrived, completed;
};

/// A tile on its way to shared memory.
struct TileCopy {
  const char *site;
  uint16_t thread;
  const braid_tensor_map *map;
  int64_t column, row;
  uint64_t offset, bytes;
  size_t mbarrier;
};

/// Bytes of shared memory that an agent's operation has read or written, and
/// when it is over.
struct AsyncUse {
  uint64_t begin, end;
  size_t agent;
  uint32_t number;
  bool writes;
  const char *site;
};

class AsyncState {
public:
  /// Behind the warps.
  static size_t agentOf(size_t mbarrier) { return 32 + mbarrier; }

  void clear();
  Mbarrier *find(uint64_t offset);
  size_t numberOf(const Mbarrier &m) const {
    return size_t(&m - mbarriers.data());
  }
  /// The mbarrier with a word in these bytes, or null.
  const Mbarrier *within(uint64_t begin, uint64_t end) const;
  /// Begins the next phase if nothing is missing in this one.
  void complete(Mbarrier &m);
  void note(const AsyncUse &use);
  /// A use that a thread with that clock does not know to be over, and that an
  /// access of these bytes has to be ordered with; or null.
  const AsyncUse *conflict(uint64_t begin, uint64_t end, bool write,
                           const VectorClock &clock) const;
  /// Uses of nothing but these bytes no longer matter.
  void forget(uint64_t begin, uint64_t end);

  std::vector<Mbarrier> mbarriers;
  std::vector<TileCopy> copies; ///< Under way.

private:
  std::vector<AsyncUse> uses;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_ASYNCSTATE_H
