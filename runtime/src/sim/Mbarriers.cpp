//===- Mbarriers.cpp - barriers with phases, and copies of tiles ----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Block.h"

#include <cstring>

namespace braid::rt {

/// Bytes of a row of a tile, and of the chunks that swizzling exchanges.
static constexpr int64_t kRow = 2 * BRAID_TILE_COLUMNS, kChunk = 16;

/// Where an object of so many bytes lies in shared memory.
uint64_t Block::placeOf(SimThread &thread, const char *site,
                        const void *address, uint64_t bytes, uint64_t align) {
  auto *byte = static_cast<const std::byte *>(address);
  if (!inShared(byte))
    fail(thread, site, "an address that is not in shared memory");
  auto offset = uint64_t(byte - shared);
  if (offset % align != 0)
    fail(thread, site, std::to_string(offset) + " in shared memory is not a "
                           "multiple of " + std::to_string(align));
  if (offset + bytes > sharedBytes)
    fail(thread, site, outOfShared(offset, bytes));
  return offset;
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

void Block::initMbarrier(SimThread &thread, const char *site, void *address,
                         int32_t arrivals) {
  constexpr int32_t kMost = (1 << 20) - 1;
  uint64_t offset = placeOf(thread, site, address, 8, 8);
  if (arrivals < 1 || arrivals > kMost)
    fail(thread, site, std::to_string(arrivals) + " arrivals, expected 1 to " +
                           std::to_string(kMost));
  accessShared(thread, site, offset, 8, /*write=*/true);
  Mbarrier made;
  made.offset = offset;
  made.initialiser = thread.number;
  made.arrivals = made.pending = uint32_t(arrivals);
  async.mbarriers.push_back(std::move(made));
}

Mbarrier &Block::mbarrierAt(SimThread &thread, const char *site,
                            const void *address) {
  uint64_t offset = placeOf(thread, site, address, 8, 8);
  Mbarrier *found = async.find(offset);
  if (!found)
    fail(thread, site, "there is no mbarrier at " + std::to_string(offset));
  SharedShadow::Fault fault = shadow.look(offset, 8, accessorOf(thread));
  if (fault != SharedShadow::Fault::None)
    fail(thread, site, describe(fault, offset, 8, /*write=*/false));
  return *found;
}

void Block::arrive(SimThread &thread, const char *site, void *address,
                   int32_t bytes) {
  Mbarrier &m = mbarrierAt(thread, site, address);
  if (m.pending == 0)
    fail(thread, site, "arrives at the mbarrier at " +
                           std::to_string(m.offset) +
                           " once more than its phase has arrivals");
  m.bytes += bytes;
  m.arrived.merge(thread.clock);
  --m.pending;
  async.complete(m);
}

/// A phase is over when the current one has the other parity.
static bool isOver(const Mbarrier &m, int32_t parity) {
  return int32_t(m.phase % 2) != parity;
}

void Block::waitForPhase(SimThread &thread, const char *site,
                         const void *address, int32_t parity) {
  if (parity != 0 && parity != 1)
    fail(thread, site, "the parity " + std::to_string(parity));
  size_t number = async.numberOf(mbarrierAt(thread, site, address));
  moveSomeTiles();
  if (!isOver(async.mbarriers[number], parity)) {
    thread.state = SimThread::State::AtMbarrier;
    thread.site = site;
    thread.mbarrier = number, thread.value = parity;
    thread.fiber.pause();
  }
  thread.clock.merge(async.mbarriers[number].completed);
}

bool Block::releaseMbarriers() {
  bool released = false;
  for (size_t i = 0; i < count; ++i) {
    SimThread &thread = threads[i];
    if (thread.state != SimThread::State::AtMbarrier ||
        !isOver(async.mbarriers[thread.mbarrier], thread.value))
      continue;
    thread.state = SimThread::State::Ready;
    released = true;
  }
  return released;
}

/// Says what the phase lacks that a thread waits for in vain.
void Block::noteMissing(const SimThread &thread) {
  const Mbarrier &m = async.mbarriers[thread.mbarrier];
  note(thread, thread.site,
       "waits in vain for phase " + std::to_string(m.phase) +
           " of the mbarrier at " + std::to_string(m.offset) +
           ", which lacks " + std::to_string(m.pending) + " arrivals and " +
           std::to_string(m.bytes) + " bytes");
}

void Block::fenceMbarriers(SimThread &thread) {
  for (Mbarrier &m : async.mbarriers)
    m.visible |= m.initialiser == thread.number;
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void Block::copyTile(SimThread &thread, TileCopy copy, const void *address,
                     const void *mbarrier) {
  Mbarrier &m = mbarrierAt(thread, copy.site, mbarrier);
  if (!m.visible)
    fail(thread, copy.site, "no fence has made the mbarrier at " +
                                std::to_string(m.offset) +
                                " visible to asynchronous operations");
  copy.thread = thread.number;
  copy.mbarrier = async.numberOf(m);
  copy.bytes = uint64_t(copy.map->tile_rows * kRow);
  // The pattern of exchanged chunks has to begin where the tile does.
  copy.offset = placeOf(thread, copy.site, address, copy.bytes, 8 * kRow);
  checkAsync(thread, copy.site, copy.offset, copy.bytes, /*write=*/true);
  SharedShadow::Fault fault =
      shadow.depart(copy.offset, copy.bytes, accessorOf(thread));
  if (fault != SharedShadow::Fault::None)
    fail(thread, copy.site, describe(fault, copy.offset, copy.bytes, true));
  async.forget(copy.offset, copy.offset + copy.bytes);
  async.copies.push_back(copy);
  moveSomeTiles();
}

static void moveRow(const braid_tensor_map &map, int64_t row, int64_t column,
                    std::byte *to, int64_t place) {
  for (int64_t i = 0; i < BRAID_TILE_COLUMNS; ++i) {
    int64_t chunk = 2 * i / kChunk ^ place % 8;
    int64_t from = column + i;
    uint16_t element = 0;
    if (row >= 0 && row < map.rows && from >= 0 && from < map.columns)
      std::memcpy(&element,
                  static_cast<const std::byte *>(map.data) +
                      row * map.row_bytes + 2 * from,
                  2);
    std::memcpy(to + place * kRow + chunk * kChunk + 2 * i % kChunk, &element,
                2);
  }
}

void Block::moveTile(size_t number) {
  TileCopy copy = async.copies[number];
  async.copies.erase(async.copies.begin() + ptrdiff_t(number));
  for (int64_t row = 0; row < copy.map->tile_rows; ++row)
    moveRow(*copy.map, copy.row + row, copy.column, shared + copy.offset, row);
  // Readers are in order with it if they know its phase to be over.
  Accessor who = accessorOf(threads[copy.thread]);
  who.thread = SharedShadow::kElsewhere;
  shadow.arrive(copy.offset, copy.bytes, who);
  Mbarrier &m = async.mbarriers[copy.mbarrier];
  async.note({copy.offset, copy.offset + copy.bytes,
              AsyncState::agentOf(copy.mbarrier), m.phase + 1,
              /*writes=*/true, copy.site});
  m.bytes -= int64_t(copy.bytes);
  async.complete(m);
}

/// Of the tiles that are under way, any may arrive now.
void Block::moveSomeTiles() {
  for (size_t i = async.copies.size(); i-- > 0;)
    if (random() % 4 == 0)
      moveTile(i);
}

bool Block::moveOneTile() {
  if (async.copies.empty())
    return false;
  moveTile(random() % async.copies.size());
  return true;
}

/// Memory of the block is somebody else's when its threads are done: one of them
/// has to have waited for each copy.
bool Block::endsQuietly() {
  if (!compareSteps(0, count))
    return false;
  while (moveOneTile())
    ;
  shareClocks(0, count, ~0u);
  const AsyncUse *use =
      async.conflict(0, sharedBytes, /*write=*/false, threads[0].clock);
  if (use)
    note(threads[0], use->site, "has not been waited for when the block ends");
  return !use;
}

} // namespace braid::rt
