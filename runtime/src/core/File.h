//===- File.h - regular files, read or mapped -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_FILE_H
#define BRAID_RT_SRC_CORE_FILE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace braid::rt {

/// "a FIFO" and the like, of a `st_mode` that is not a regular file's.
const char *kindOf(unsigned mode);

/// Throws Error if `start`, a file's first bytes, are those of what a failed
/// download leaves in its place: a Git LFS pointer, a web page.
void refuseFailedDownload(const std::string &name, std::string_view start,
                          const std::string &expected);

/// A regular file open for reading. Never blocks on a FIFO and never reads a
/// device: anything but a regular file (links are followed) is refused.
class InputFile {
public:
  /// Throws Error.
  explicit InputFile(const std::string &path);
  InputFile(InputFile &&other) noexcept;
  InputFile &operator=(InputFile &&) = delete;
  ~InputFile();

  uint64_t size() const { return bytes; }
  const std::string &path() const { return name; }
  /// REQUIRES: offset + count <= size(). Throws Error, also if the file has
  /// become shorter since it was opened.
  void read(uint64_t offset, void *to, size_t count) const;
  /// Maps the whole file read-only; null for an empty file. The caller unmaps.
  const std::byte *map() const;

private:
  std::string name;
  int descriptor = -1;
  uint64_t bytes = 0;
};

/// The file's text. Throws Error, also if it is longer than `maxBytes`.
std::string readWholeFile(const std::string &path, uint64_t maxBytes);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_FILE_H
