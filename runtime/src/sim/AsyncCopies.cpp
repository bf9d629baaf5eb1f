//===- AsyncCopies.cpp - copies to shared memory in the background ---------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Block.h"

#include <cstring>

namespace braid::rt {

static void move(AsyncCopy &copy) {
  if (copy.moved)
    return;
  copy.moved = true;
  std::memcpy(copy.shared, copy.global, copy.bytes);
  std::memset(copy.shared + copy.bytes, 0, copy.size - copy.bytes);
}

/// Of the copies that are under way, any may happen now.
static void moveSome(std::vector<AsyncCopy> &copies, std::minstd_rand &random) {
  for (AsyncCopy &copy : copies)
    if (random() % 4 == 0)
      move(copy);
}

void Block::copyAsync(SimThread &thread, const AsyncCopy &copy) {
  auto misaligned = [&](const void *address) {
    return reinterpret_cast<uintptr_t>(address) % copy.size != 0;
  };
  if (misaligned(copy.shared) || misaligned(copy.global))
    fail(thread, copy.site, "copies " + std::to_string(copy.size) +
                                " bytes at an address that is not a multiple");
  if (copy.bytes > copy.size)
    fail(thread, copy.site, "copies " + std::to_string(copy.bytes) +
                                " bytes to a place of " +
                                std::to_string(copy.size));
  if (copy.bytes > 0 &&
      !inRanges(thread, reinterpret_cast<uintptr_t>(copy.global), copy.bytes))
    fail(thread, copy.site,
         "copies " + std::to_string(copy.bytes) +
             " bytes from outside of the buffers that the kernel was given");
  if (!inShared(copy.shared))
    fail(thread, copy.site, "copies to an address outside of shared memory");
  auto offset = uint64_t(copy.shared - shared);
  if (offset + copy.size > sharedBytes)
    fail(thread, copy.site, outOfShared(offset, copy.size));
  checkAsync(thread, copy.site, offset, copy.size, /*write=*/true);
  SharedShadow::Fault fault =
      shadow.depart(offset, copy.size, accessorOf(thread));
  if (fault != SharedShadow::Fault::None)
    fail(thread, copy.site, describe(fault, offset, copy.size, true));
  thread.open.push_back(copy);
  moveSome(thread.open, random);
}

void Block::commitCopies(SimThread &thread) {
  thread.groups.push_back(std::move(thread.open));
  thread.open.clear();
  for (std::vector<AsyncCopy> &group : thread.groups)
    moveSome(group, random);
}

void Block::waitCopies(SimThread &thread, size_t groups) {
  for (; thread.groups.size() > groups; thread.groups.pop_front())
    for (AsyncCopy &copy : thread.groups.front()) {
      move(copy);
      shadow.arrive(uint64_t(copy.shared - shared), copy.size,
                    accessorOf(thread));
    }
}

} // namespace braid::rt
