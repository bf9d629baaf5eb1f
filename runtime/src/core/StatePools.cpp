//===- StatePools.cpp - memory of sequences -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "StatePools.h"
#include "Bytes.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace braid::rt {

using Dims = std::span<const int64_t>;

static uint64_t product(const Pool &pool, uint64_t a, uint64_t b) {
  return bytesOf("state pool " + pool.name, a, b);
}

static uint64_t product(const Pool &pool, Dims dims) {
  uint64_t result = 1;
  for (int64_t dim : dims)
    result = product(pool, result, uint64_t(dim));
  return result;
}

/// Index of a symbol in the shape; the shape's rank if it is not there.
static size_t indexOf(const Pool &pool, int64_t symbol) {
  return size_t(std::find(pool.shape.begin(), pool.shape.end(), symbol) -
                pool.shape.begin());
}

bool perTokenPool(const Pool &pool) {
  return indexOf(pool, Pool::Context) < pool.shape.size();
}

uint64_t bytesPerSlot(const Pool &pool, int64_t context) {
  uint64_t bytes = pool.elementBytes;
  for (int64_t dim : pool.shape)
    if (dim != Pool::Slots)
      bytes = product(pool, bytes,
                      uint64_t(dim == Pool::Context ? context : dim));
  return bytes;
}

StatePools::StatePools(const Manifest &manifest, int64_t slots, int64_t context)
    : slots(slots) {
  for (const Pool &pool : manifest.pools) {
    size_t slotAt = indexOf(pool, Pool::Slots);
    size_t tokenAt = indexOf(pool, Pool::Context);
    bool perToken = tokenAt < pool.shape.size();
    Dims dims(pool.shape);
    Layout layout{};
    layout.perToken = perToken;
    layout.outer = product(pool, dims.first(slotAt));
    Dims rest = dims.subspan(slotAt + 1);
    size_t innerRank = perToken ? tokenAt - slotAt - 1 : 0;
    layout.inner = product(pool, rest.first(innerRank));
    layout.tokenBytes = product(pool, pool.elementBytes,
                                product(pool, rest.subspan(innerRank +
                                                           perToken)));
    layout.slotBytes = product(pool, product(pool, layout.inner,
                                             layout.tokenBytes),
                               perToken ? uint64_t(context) : 1);
    uint64_t bytes = product(pool, product(pool, layout.outer,
                                           layout.slotBytes),
                             uint64_t(slots));
    regions.emplace_back(bytes, "state pool " + pool.name);
    layout.data = regions.back().data();
    layouts.push_back(layout);
    pointers.push_back(layout.data);
  }
}

void StatePools::forEachRun(int64_t slot, int64_t position,
                            const Run &run) const {
  if (position == 0)
    return; // whatever the slot holds is ignored
  for (const Layout &pool : layouts)
    for (uint64_t o = 0; o < pool.outer; ++o) {
      std::byte *at =
          pool.data + (o * uint64_t(slots) + uint64_t(slot)) * pool.slotBytes;
      uint64_t stride = pool.slotBytes / pool.inner;
      uint64_t bytes = pool.tokenBytes * uint64_t(pool.perToken ? position : 1);
      for (uint64_t i = 0; i < pool.inner; ++i)
        run(at + i * stride, bytes);
    }
}

uint64_t StatePools::bytesOf(int64_t slot, int64_t position) const {
  uint64_t total = 0;
  forEachRun(slot, position, [&](std::byte *, uint64_t n) { total += n; });
  return total;
}

void StatePools::copy(int64_t from, int64_t to, int64_t position) const {
  std::vector<const std::byte *> sources;
  forEachRun(from, position,
             [&](std::byte *data, uint64_t) { sources.push_back(data); });
  auto source = sources.begin();
  forEachRun(to, position, [&](std::byte *data, uint64_t bytes) {
    std::memcpy(data, *source++, bytes);
  });
}

} // namespace braid::rt
