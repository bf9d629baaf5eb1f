//===- TempFile.cpp - a file that appears whole or not at all -------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TempFile.h"
#include "File.h"
#include "braid-rt/error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace braid::rt {

void TempFile::fail() const {
  throw Error(path + ": cannot be written: " + std::strerror(errno));
}

TempFile::TempFile(const std::string &path) : path(path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw Error(path + ": cannot be written: expected a regular file or none, "
                       "found " +
                kindOf(status.st_mode));
  size_t slash = path.rfind('/');
  std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  // Without a name even a killed process leaves nothing behind.
  descriptor = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0)
    openNamed();
}

/// Calls `create` with names beside the file until one was not taken: whoever
/// else writes the same file, in this process or another, has other names.
template <typename Create> void TempFile::chooseName(Create create) {
  std::random_device random;
  do {
    char suffix[24];
    std::snprintf(suffix, sizeof(suffix), ".%08x.tmp", unsigned(random()));
    temporary = path + suffix;
    named = create(temporary.c_str());
  } while (!named && errno == EEXIST);
  if (!named)
    fail();
}

/// For file systems that know only files with names.
void TempFile::openNamed() {
  chooseName([this](const char *name) {
    int flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
    descriptor = open(name, flags, 0666);
    return descriptor >= 0;
  });
}

TempFile::~TempFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (named)
    unlink(temporary.c_str());
}

/// Makes the file visible under its temporary name: a link cannot replace what
/// is at `path`, a rename can.
void TempFile::giveName() {
  std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  chooseName([&](const char *name) {
    return linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) ==
           0;
  });
}

void TempFile::write(const void *data, size_t bytes) {
  writeAt(written, data, bytes);
  written += bytes;
}

void TempFile::writeAt(uint64_t offset, const void *data, size_t bytes) {
  auto *p = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t put = pwrite(descriptor, p, bytes, off_t(offset));
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      fail();
    p += put, offset += uint64_t(put), bytes -= size_t(put);
  }
}

void TempFile::commit() {
  if (fsync(descriptor) != 0)
    fail();
  if (!named)
    giveName();
  if (rename(temporary.c_str(), path.c_str()) != 0)
    fail();
  named = false;
}

void checkWritable(const std::string &path) { TempFile probe(path); }

} // namespace braid::rt
