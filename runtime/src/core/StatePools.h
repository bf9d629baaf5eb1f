//===- StatePools.h - memory of sequences ---------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_STATEPOOLS_H
#define BRAID_RT_SRC_CORE_STATEPOOLS_H

#include "Region.h"
#include "braid-rt/manifest.h"

#include <cstddef>
#include <functional>
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
  StatePools(const Manifest &manifest, int64_t slots, int64_t context);

  void *const *table() const { return pointers.data(); }

  using Run = std::function<void(std::byte *data, uint64_t bytes)>;
  /// The runs that hold the first `position` tokens of a slot, in an order
  /// that depends on neither slots nor context.
  void forEachRun(int64_t slot, int64_t position, const Run &run) const;
  uint64_t bytesOf(int64_t slot, int64_t position) const;
  void copy(int64_t from, int64_t to, int64_t position) const;

private:
  /// A pool as [outer, slots, inner, context, token bytes]; a pool without
  /// "context" has inner 1, context 1 and all its bytes in the last.
  struct Layout {
    std::byte *data;
    bool perToken;
    uint64_t outer, inner, tokenBytes, slotBytes;
  };
  int64_t slots;
  std::vector<Region> regions;
  std::vector<Layout> layouts;
  std::vector<void *> pointers;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_STATEPOOLS_H
