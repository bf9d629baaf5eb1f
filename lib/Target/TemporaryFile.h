//===- TemporaryFile.h - files that do not outlive their use (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TARGET_TEMPORARYFILE_H
#define BRAID_LIB_TARGET_TEMPORARYFILE_H

#include "braid-rt/error.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace braid {

/// A file that is open for writing as `descriptor` until this object goes.
/// Other programs open it by its `path`; `name` is what errors call it.
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
    throw rt::Error(name + ": cannot be written: " + message);
  }
  void close() {
    if (descriptor >= 0)
      ::close(std::exchange(descriptor, -1));
  }
  int descriptor = -1;
  std::string path, name;
};

/// A file that disappears with this object, unless it was renamed before. In
/// `model` every % is replaced by a random digit. Throws rt::Error.
struct TemporaryFile : OpenFile {
  explicit TemporaryFile(const llvm::Twine &model) {
    llvm::SmallString<128> made;
    if (auto error = llvm::sys::fs::createUniqueFile(model, descriptor, made))
      throw rt::Error(model.str() + ": cannot be written: " + error.message());
    path = name = made.str().str();
    llvm::sys::RemoveFileOnSignal(path);
  }
  ~TemporaryFile() {
    llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
};

/// A file in no folder, which nothing can leave behind. Throws rt::Error.
struct MemoryFile : OpenFile {
  explicit MemoryFile(std::string what) {
    name = std::move(what);
    descriptor = ::memfd_create("braid", MFD_CLOEXEC);
    if (descriptor < 0)
      throw rt::Error(name + ": no file in memory: " + llvm::sys::StrError());
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
