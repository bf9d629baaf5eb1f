//===- Output.h - files that appear whole or not at all
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_OUTPUT_H
#define BRAID_TOOLS_OUTPUT_H

#include "braid-rt/error.h"
#include <string>

namespace braid {

/// Throws rt::Error where no artefact can be put: no such folder, or something
/// other than a regular file at `path`. To be called before any work is done.
void checkOutput(const std::string &path);

/// Throws rt::Error.
void renameFile(const std::string &from, const std::string &to);

/// The name of a file on its way to `target`, on the same file system. Removed,
/// also when a signal ends the process, unless it is published. What processes
/// left that could not do so, being killed, is removed by the next one.
class PartialFile {
public:
  explicit PartialFile(const std::string &target);
  PartialFile(const PartialFile &) = delete;
  PartialFile &operator=(const PartialFile &) = delete;
  ~PartialFile();
  /// At most once. Throws rt::Error.
  void publish(const std::string &to);
  /// The error with the names of targets in place of those of partial files.
  static rt::Error asTarget(const rt::Error &error);

  const std::string path;

private:
  bool published = false;
};

/// Writes to stdout if `file` is empty or "-"; straight into a device or a
/// FIFO; anything else is replaced as a whole. Throws rt::Error.
void writeText(const std::string &file, const std::string &text);

} // namespace braid

#endif // BRAID_TOOLS_OUTPUT_H
