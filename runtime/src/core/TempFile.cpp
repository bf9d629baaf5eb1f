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
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace braid::rt {

void TempFile::fail() const {
  throw Error(path + ": cannot be written: " + std::strerror(errno));
}

TempFile::TempFile(const std::string &path)
    : path(path), temporary(path + ".XXXXXX") {
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

/// For file systems that know only files with names.
void TempFile::openNamed() {
  descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0)
    fail();
  named = true;
  // mkstemp gives 0600; an output file follows the umask like any other.
  mode_t mask = umask(0);
  umask(mask);
  fchmod(descriptor, 0666 & ~mask);
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
  temporary = path + "." + std::to_string(getpid()) + ".tmp";
  unlink(temporary.c_str()); // Left by a killed process of the same number.
  std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary.c_str(),
             AT_SYMLINK_FOLLOW) != 0)
    fail();
  named = true;
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

} // namespace braid::rt
