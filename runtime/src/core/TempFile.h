//===- TempFile.h - a file that appears whole or not at all ---------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_TEMPFILE_H
#define BRAID_RT_SRC_CORE_TEMPFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace braid::rt {

/// Writes beside `path` under another name or none; `commit` puts it in place.
/// What was at `path` before stays untouched until then, and if it is never
/// reached.
/// The mode follows the umask. Not thread-safe, but two objects may write the
/// same path: each puts a whole file in place. All members throw Error.
class TempFile {
public:
  explicit TempFile(const std::string &path);
  TempFile(const TempFile &) = delete;
  TempFile &operator=(const TempFile &) = delete;
  /// Removes what was not committed.
  ~TempFile();

  void write(const void *data, size_t bytes);
  /// Over bytes already written, e.g. a header whose hash is known last.
  void writeAt(uint64_t offset, const void *data, size_t bytes);
  uint64_t size() const { return written; }
  /// fsync, rename. At most once.
  void commit();

private:
  [[noreturn]] void fail() const;
  template <typename Create> void chooseName(Create create);
  void openNamed();
  void giveName();
  std::string path, temporary;
  int descriptor = -1;
  bool named = false; ///< There is a file `temporary`.
  uint64_t written = 0;
};

/// Throws the Error that a TempFile would give: to be called before long work
/// whose result goes there.
void checkWritable(const std::string &path);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_TEMPFILE_H
