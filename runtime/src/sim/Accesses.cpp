//===- Accesses.cpp - loads and stores, checked ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Block.h"

#include <algorithm>
#include <bit>

namespace braid::rt {

bool Block::inRanges(SimThread &thread, uintptr_t address,
                     uint64_t bytes) const {
  auto holds = [&](const MemoryRange &range) {
    return address >= range.begin && address + bytes <= range.end;
  };
  if (thread.lastRange && holds(*thread.lastRange))
    return true;
  for (const MemoryRange &range : *ranges)
    if (holds(range)) {
      thread.lastRange = &range;
      return true;
    }
  return false;
}

/// Where an access is that no buffer holds: by the nearest of them.
std::string Block::besideRanges(uintptr_t address) const {
  uint64_t nearest = UINT64_MAX;
  std::string text = "; it was given none";
  for (const MemoryRange &range : *ranges) {
    bool before = address < range.begin;
    uint64_t gap = before                ? range.begin - address
                   : address < range.end ? 0
                                         : address - range.end;
    if (gap >= nearest)
      continue;
    nearest = gap;
    uint64_t away = before ? gap : address - range.begin;
    text = ": " + std::to_string(away) + " bytes " +
           (before ? "before" : "behind") + " the begin of one of " +
           std::to_string(range.end - range.begin);
  }
  return text;
}

/// What is wrong with an access of shared memory.
std::string Block::describe(SharedShadow::Fault fault, uint64_t offset,
                            uint64_t bytes, bool write) const {
  using Fault = SharedShadow::Fault;
  std::string where = std::to_string(bytes) + " bytes of shared memory at " +
                      std::to_string(offset) +
                      (write ? " are written, and " : " are read, and ");
  if (fault == Fault::Uninitialised)
    return where + "nothing has written them";
  if (fault == Fault::InFlight)
    return where + "an asynchronous copy to them has not been waited for";
  if (fault == Fault::InUse)
    return where + "wgmma that reads them has not been waited for";
  if (fault == Fault::Unfenced)
    return where + "no fence.proxy.async has made their writing visible";
  std::string other = "thread " + std::to_string(shadow.other());
  if (shadow.other() >= count)
    other = "another thread";
  return where + other +
         (fault == Fault::WriteAfterRead ? " has read" : " has written") +
         " them without a barrier in between";
}

std::string Block::outOfShared(uint64_t offset, uint64_t bytes) const {
  return std::to_string(bytes) + " bytes of shared memory at " +
         std::to_string(offset) + " of " + std::to_string(sharedBytes) +
         ": out of bounds";
}

/// Checks an access against what asynchronous operations do with the bytes.
void Block::checkAsync(SimThread &thread, const char *site, uint64_t offset,
                       uint64_t bytes, bool write) {
  using Fault = SharedShadow::Fault;
  uint64_t end = offset + bytes;
  if (write && async.within(offset, end))
    fail(thread, site, "writes over an mbarrier in shared memory at " +
                           std::to_string(offset));
  if (const AsyncUse *use = async.conflict(offset, end, write, thread.clock))
    fail(thread, site,
         describe(use->writes ? Fault::InFlight : Fault::InUse, offset, bytes,
                  write));
}

void Block::accessShared(SimThread &thread, const char *site, uint64_t offset,
                         uint64_t bytes, bool write) {
  if (offset + bytes > sharedBytes)
    fail(thread, site, outOfShared(offset, bytes));
  checkAsync(thread, site, offset, bytes, write);
  using Fault = SharedShadow::Fault;
  Accessor who = accessorOf(thread);
  Fault fault = write ? shadow.write(offset, bytes, who)
                      : shadow.read(offset, bytes, who);
  if (fault != Fault::None)
    fail(thread, site, describe(fault, offset, bytes, write));
}

void Block::access(SimThread &thread, const char *site, void *address,
                   uint64_t bytes, bool write) {
  auto number = reinterpret_cast<uintptr_t>(address);
  const char *does = write ? "writes " : "reads ";
  // A vector is aligned as its size says, up to the widest access.
  uint64_t align = std::min<uint64_t>(std::bit_floor(bytes), 16);
  if (number % align != 0)
    fail(thread, site,
         does + std::to_string(bytes) + " bytes at an address that is not a "
         "multiple of " + std::to_string(align) + ": the rest is " +
         std::to_string(number % align));
  auto *byte = static_cast<std::byte *>(address);
  if (inShared(byte))
    return accessShared(thread, site, uint64_t(byte - shared), bytes, write);
  if (thread.fiber.owns(address) || inRanges(thread, number, bytes))
    return;
  fail(thread, site,
       does + std::to_string(bytes) + " bytes outside of the buffers that the "
       "kernel was given" + besideRanges(number));
}

} // namespace braid::rt
