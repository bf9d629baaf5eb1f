//===- Region.cpp - address space that fills as it is touched -------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Region.h"
#include "braid-rt/error.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace braid::rt {

Region::Region(uint64_t bytes, const std::string &what) : length(bytes) {
  if (bytes == 0)
    return;
  address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address != MAP_FAILED)
    return;
  address = nullptr;
  throw Error(what + ": cannot reserve " + std::to_string(bytes) +
                  " bytes of address space: " + std::strerror(errno),
              "a smaller --context or --max-sequences needs less");
}

Region::Region(Region &&other) noexcept
    : address(std::exchange(other.address, nullptr)),
      length(std::exchange(other.length, 0)) {}

Region &Region::operator=(Region &&other) noexcept {
  std::swap(address, other.address);
  std::swap(length, other.length);
  return *this;
}

Region::~Region() {
  if (address)
    munmap(address, length);
}

void Region::preferHugePages() {
  if (address)
    madvise(address, length, MADV_HUGEPAGE);
}

} // namespace braid::rt
