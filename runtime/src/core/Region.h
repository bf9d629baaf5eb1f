//===- Region.h - address space that fills as it is touched ---------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_REGION_H
#define BRAID_RT_SRC_CORE_REGION_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace braid::rt {

/// Anonymous memory, zero until written, page-aligned, backed page by page
/// when first touched. Given back on destruction.
class Region {
public:
  Region() = default;
  /// Throws Error naming `what` if the address space is not to be had.
  Region(uint64_t bytes, const std::string &what);
  /// Takes over a mapping.
  Region(void *address, uint64_t bytes) : address(address), length(bytes) {}
  Region(Region &&other) noexcept;
  Region &operator=(Region &&other) noexcept;
  ~Region();

  std::byte *data() const { return static_cast<std::byte *>(address); }
  template <typename T> T *as() const { return static_cast<T *>(address); }
  uint64_t bytes() const { return length; }
  /// Asks for large pages; a hint.
  void preferHugePages();

private:
  void *address = nullptr;
  uint64_t length = 0;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_REGION_H
