//===- Output.cpp - files that appear whole or not at all
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Output.h"
#include "braid-rt/error.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/xxhash.h"
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <regex>
#include <unistd.h>

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;
using llvm::StringRef;
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

/// Tells where process numbers mean the same: this boot of this machine, and
/// this container. A folder may be shared by several.
static std::string worldOfProcesses() {
  std::string identity;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> identity;
  char space[64] = {};
  if (readlink("/proc/self/ns/pid", space, sizeof(space) - 1) > 0)
    identity += space;
  return llvm::utohexstr(uint32_t(llvm::xxh3_64bits(identity)), true, 8);
}

/// Removes what killed processes left on its way to `target`, and what they
/// named after that; nothing of a process that lives or may live elsewhere.
static void removeLeftovers(const std::string &target) {
  std::string folder = path::parent_path(target).str();
  std::regex leftover("\\.([0-9]+)-" + worldOfProcesses() +
                      "\\.partial(\\..*)?");
  std::error_code error;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::string rest = path::filename(entry->path()).str();
    std::string name = path::filename(target).str();
    std::smatch match;
    if (rest.compare(0, name.size(), name) != 0)
      continue;
    rest.erase(0, name.size());
    pid_t process = 0;
    if (std::regex_match(rest, match, leftover) &&
        !StringRef(match[1].str()).getAsInteger(10, process) &&
        kill(process, 0) != 0 && errno == ESRCH)
      fs::remove(entry->path());
  }
}

PartialFile::PartialFile(const std::string &target)
    : path(target + "." + std::to_string(getpid()) + "-" + worldOfProcesses() +
           ".partial") {
  removeLeftovers(target);
  llvm::sys::RemoveFileOnSignal(path);
}

rt::Error PartialFile::asTarget(const rt::Error &error) {
  static const std::regex partial(
      "\\.[0-9]+-[0-9a-f]{8}\\.partial(\\.\\w+\\.\\w+)*");
  return rt::Error(std::regex_replace(error.what(), partial, ""), error.hint);
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
