//===- TemporaryFile.h - files that do not outlive their use (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TARGET_TEMPORARYFILE_H
#define BRAID_LIB_TARGET_TEMPORARYFILE_H

#include "braid-rt/error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace braid {

struct OpenFile {
  OpenFile() = default;
  OpenFile(const OpenFile &) = delete;
  ~OpenFile() { close(); }
  /// Throws rt::Error if not all of it can be written.
  void write(llvm::StringRef bytes) {
    llvm::raw_fd_ostream out(descriptor, /*shouldClose=*/false);
    out << bytes;
    out.flush();
    if (!out.has_error())
      return;
    std::string message = out.error().message();
    out.clear_error();
    throw rt::Error(path + ": cannot be written: " + message);
  }
  void close() {
    if (descriptor >= 0)
      ::close(std::exchange(descriptor, -1));
  }
  int descriptor = -1;
  std::string path;
};

/// A file that disappears with this object, unless it was renamed before. In
/// `model` every % is replaced by a random digit. Throws rt::Error.
struct TemporaryFile : OpenFile {
  explicit TemporaryFile(const llvm::Twine &model) {
    llvm::SmallString<128> name;
    if (auto error = llvm::sys::fs::createUniqueFile(model, descriptor, name))
      throw rt::Error(model.str() + ": cannot be written: " + error.message());
    path = name.str().str();
    llvm::sys::RemoveFileOnSignal(path);
  }
  ~TemporaryFile() {
    close();
    llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
};

/// A file in no folder, which nothing can leave behind. Under its path other
/// programs see it as long as this object lives. Throws rt::Error.
struct MemoryFile : OpenFile {
  MemoryFile() {
    descriptor = ::memfd_create("braid", MFD_CLOEXEC);
    if (descriptor < 0)
      throw rt::Error(std::string("no file in memory: ") +
                      ::strerror(errno));
    path = "/proc/" + std::to_string(::getpid()) + "/fd/" +
           std::to_string(descriptor);
  }
  std::string content() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
};

} // namespace braid

#endif // BRAID_LIB_TARGET_TEMPORARYFILE_H
