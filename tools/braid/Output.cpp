//===- Output.cpp - files that appear whole or not at all
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Output.h"
#include "braid-rt/error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace fs = llvm::sys::fs;
using namespace braid;

[[noreturn]] static void failWrite(const std::string &path,
                                   const std::string &why) {
  throw rt::Error(path + ": cannot be written: " + why);
}

/// Whether there is a regular file, or none.
static bool isReplaceable(const std::string &path) {
  fs::file_status status;
  return fs::status(path, status) || fs::is_regular_file(status);
}

void braid::checkOutput(const std::string &path) {
  std::string folder = llvm::sys::path::parent_path(path).str();
  if (!folder.empty() && !fs::is_directory(folder))
    failWrite(path, "there is no folder '" + folder + "'");
  if (!isReplaceable(path))
    failWrite(path,
              "expected a regular file or none, found " +
                  std::string(fs::is_directory(path) ? "a directory"
                                                     : "a FIFO or a device"));
}

void braid::renameFile(const std::string &from, const std::string &to) {
  if (auto error = fs::rename(from, to))
    failWrite(to, error.message());
}

PartialFile::PartialFile(const std::string &target)
    : path(target + "." + std::to_string(getpid()) + ".partial") {
  llvm::sys::RemoveFileOnSignal(path);
}

PartialFile::~PartialFile() {
  if (published)
    return;
  fs::remove(path);
  llvm::sys::DontRemoveFileOnSignal(path);
}

void PartialFile::publish(const std::string &to) {
  renameFile(path, to);
  llvm::sys::DontRemoveFileOnSignal(path);
  published = true;
}

/// Closes `out` unless it is stdout. `out` may be null: it could not be opened.
static void writeInto(FILE *out, const std::string &text,
                      const std::string &name) {
  bool done = out && fwrite(text.data(), 1, text.size(), out) == text.size() &&
              fflush(out) == 0;
  std::string reason = strerror(errno);
  if (out && out != stdout)
    fclose(out);
  if (!done)
    failWrite(name, reason);
}

void braid::writeText(const std::string &file, const std::string &text) {
  if (file.empty() || file == "-")
    return writeInto(stdout, text, "stdout");
  if (!isReplaceable(file))
    return writeInto(fopen(file.c_str(), "w"), text, file);
  PartialFile partial(file);
  writeInto(fopen(partial.path.c_str(), "w"), text, file);
  partial.publish(file);
}
