//===- TempFile.cpp - a file that appears whole or not at all -------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TempFile.h"
#include "braid-rt/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace braid::rt {

void TempFile::fail() const {
  throw Error(path + ": cannot be written: " + std::strerror(errno));
}

TempFile::TempFile(const std::string &path)
    : path(path), temporary(path + ".XXXXXX") {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    fail();
  }
  descriptor = mkstemp(temporary.data());
  if (descriptor < 0)
    fail();
  // mkstemp gives 0600; an output file follows the umask like any other.
  mode_t mask = umask(0);
  umask(mask);
  fchmod(descriptor, 0666 & ~mask);
}

TempFile::~TempFile() {
  if (descriptor < 0)
    return;
  close(descriptor);
  unlink(temporary.c_str());
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
  if (rename(temporary.c_str(), path.c_str()) != 0)
    fail();
  close(descriptor);
  descriptor = -1;
}

} // namespace braid::rt
