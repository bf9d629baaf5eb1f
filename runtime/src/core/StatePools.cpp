//===- StatePools.cpp - memory of sequences -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "StatePools.h"
#include "Bytes.h"

#include <algorithm>
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

StatePools::StatePools(const Manifest &manifest, int64_t slots, int64_t context,
                       Device &device)
    : device(device), slots(slots), context(context),
      room(size_t(slots), device.sharesMemory() ? context : -1) {
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
    layout.memory =
        device.allocate(bytes, "state pool " + pool.name, Backing::AsNeeded);
    pointers.push_back(layout.memory->data());
    layouts.push_back(std::move(layout));
  }
}

void StatePools::forEachRun(int64_t slot, int64_t position,
                            const Run &run) const {
  if (position == 0)
    return; // whatever the slot holds is ignored
  for (const Layout &pool : layouts)
    for (uint64_t o = 0; o < pool.outer; ++o) {
      uint64_t at = (o * uint64_t(slots) + uint64_t(slot)) * pool.slotBytes;
      uint64_t stride = pool.slotBytes / pool.inner;
      uint64_t bytes = pool.tokenBytes * uint64_t(pool.perToken ? position : 1);
      for (uint64_t i = 0; i < pool.inner; ++i)
        run(*pool.memory, at + i * stride, bytes);
    }
}

void StatePools::grow(int64_t slot, int64_t tokens) {
  int64_t &has = room[size_t(slot)];
  if (tokens <= has)
    return;
  int64_t ahead = (tokens + BRAID_POOL_TOKENS - 1) / BRAID_POOL_TOKENS *
                  BRAID_POOL_TOKENS;
  tokens = std::min(ahead, context);
  forEachRun(slot, tokens,
             [](DeviceMemory &memory, uint64_t offset, uint64_t bytes) {
               memory.back(offset, bytes);
             });
  has = tokens;
}

uint64_t StatePools::bytesOf(int64_t slot, int64_t position) const {
  uint64_t total = 0;
  forEachRun(slot, position,
             [&](DeviceMemory &, uint64_t, uint64_t n) { total += n; });
  return total;
}

void StatePools::copy(int64_t from, int64_t to, int64_t position) {
  grow(to, position);
  std::vector<const std::byte *> sources;
  forEachRun(from, position,
             [&](DeviceMemory &memory, uint64_t offset, uint64_t) {
               sources.push_back(memory.data() + offset);
             });
  auto source = sources.begin();
  forEachRun(to, position,
             [&](DeviceMemory &memory, uint64_t offset, uint64_t bytes) {
               device.copy(memory.data() + offset, *source++, bytes);
             });
}

void StatePools::save(int64_t slot, int64_t position,
                      const Write &write) const {
  std::vector<std::byte> piece;
  forEachRun(slot, position,
             [&](DeviceMemory &memory, uint64_t offset, uint64_t bytes) {
               const std::byte *at = memory.data() + offset;
               if (device.sharesMemory())
                 return write(at, bytes);
               piece.resize(bytes);
               device.copyOut(piece.data(), at, bytes);
               write(piece.data(), bytes);
             });
}

void StatePools::restore(int64_t slot, int64_t position, const Read &read) {
  grow(slot, position);
  std::vector<std::byte> piece;
  forEachRun(slot, position,
             [&](DeviceMemory &memory, uint64_t offset, uint64_t bytes) {
               std::byte *at = memory.data() + offset;
               if (device.sharesMemory())
                 return read(at, bytes);
               piece.resize(bytes);
               read(piece.data(), bytes);
               device.copyIn(at, piece.data(), bytes);
             });
}

} // namespace braid::rt
