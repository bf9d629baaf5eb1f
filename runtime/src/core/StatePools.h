//===- StatePools.h - memory of sequences ---------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_STATEPOOLS_H
#define BRAID_RT_SRC_CORE_STATEPOOLS_H

#include "Device.h"
#include "braid-rt/manifest.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace braid::rt {

/// Whether the pool holds an entry per token.
bool perTokenPool(const Pool &pool);
/// Bytes of one slot with room for `context` tokens. Throws Error beyond 2^46.
uint64_t bytesPerSlot(const Pool &pool, int64_t context);

/// The pools of one session. A sequence's state is a list of byte runs that
/// follows from the manifest, its slot and its length alone; forking and saving
/// copy these runs and know nothing else.
class StatePools {
public:
  /// The device has to outlive the pools.
  StatePools(const Manifest &manifest, int64_t slots, int64_t context,
             Device &device);

  void *const *table() const { return pointers.data(); }

  /// Makes room for the first `tokens` tokens of a slot. REQUIRES: called
  /// before they are computed, copied or restored. Room is kept until the end:
  /// the slot's next sequence uses it again. Throws Error: out of memory.
  void grow(int64_t slot, int64_t tokens);

  uint64_t bytesOf(int64_t slot, int64_t position) const;
  void copy(int64_t from, int64_t to, int64_t position);
  /// The first `position` tokens of a slot, front to back in an order that
  /// depends on neither slots nor context, as pieces of host memory.
  using Write = std::function<void(const void *data, uint64_t bytes)>;
  using Read = std::function<void(void *data, uint64_t bytes)>;
  void save(int64_t slot, int64_t position, const Write &write) const;
  void restore(int64_t slot, int64_t position, const Read &read);

private:
  /// A pool as [outer, slots, inner, context, token bytes]; a pool without
  /// "context" has inner 1, context 1 and all its bytes in the last.
  struct Layout {
    std::unique_ptr<DeviceMemory> memory;
    bool perToken;
    uint64_t outer, inner, tokenBytes, slotBytes;
  };
  using Run = std::function<void(DeviceMemory &memory, uint64_t offset,
                                 uint64_t bytes)>;
  void forEachRun(int64_t slot, int64_t position, const Run &run) const;

  Device &device;
  int64_t slots, context;
  std::vector<Layout> layouts;
  std::vector<void *> pointers;
  std::vector<int64_t> room; ///< Of each slot, in tokens; -1: none at all.
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_STATEPOOLS_H
