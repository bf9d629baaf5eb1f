//===- Elf.h - sections of an ELF file ------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_ELF_H
#define BRAID_RT_SRC_CORE_ELF_H

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {

/// Names and places of the sections of a 64-bit little-endian ELF shared
/// object for this machine. Reads headers only, all of them bounds-checked;
/// the bytes are untrusted.
class Elf {
public:
  /// `bytes` must outlive the object. Throws Error, beginning with `name`.
  Elf(std::span<const std::byte> bytes, const std::string &name);

  /// The section's bytes; none if there is no such section. Throws Error if
  /// there are two.
  std::optional<std::span<const std::byte>>
  section(std::string_view wanted) const;

  struct Section {
    std::string_view name;
    std::span<const std::byte> bytes;
  };
  /// Those that have bytes in the file, in its order.
  const std::vector<Section> &all() const { return sections; }

private:
  std::string fileName;
  std::vector<Section> sections;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_ELF_H
