//===- File.cpp - regular files, read or mapped ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "File.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace braid::rt {

const char *kindOf(unsigned mode) {
  if (S_ISDIR(mode))
    return "a directory";
  if (S_ISFIFO(mode))
    return "a FIFO";
  if (S_ISSOCK(mode))
    return "a socket";
  return "a device";
}

void refuseFailedDownload(const std::string &name, std::string_view start,
                          const std::string &expected) {
  std::string message = name + ": expected " + expected + ", found ";
  if (start.starts_with("version https://git-lfs"))
    throw Error(message + "a Git LFS pointer",
                "run `git lfs install && git lfs pull` in the directory that "
                "was cloned");
  start.remove_prefix(
      std::min(start.find_first_not_of(" \t\r\n"), start.size()));
  if (start.starts_with("<!") || start.starts_with("<?") ||
      start.starts_with("<html"))
    throw Error(message + "what looks like a web page",
                "a server has sent it in place of the file; download it again");
}

/// Throws for a file that open() refused.
[[noreturn]] static void failOpen(const std::string &path) {
  std::string reason = std::strerror(errno);
  std::error_code error;
  auto target = std::filesystem::read_symlink(path, error);
  if (error)
    throw Error(path + ": cannot be opened: " + reason);
  throw Error(path + ": cannot be opened: it is a link to '" + target.string() +
                  "': " + reason,
              "what it leads to was moved, or the download is unfinished; "
              "fetch the file again");
}

InputFile::InputFile(const std::string &path) : name(path) {
  // O_NONBLOCK: opening a FIFO for reading would otherwise wait for a writer.
  descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    failOpen(path);
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    throw Error(path + ": expected a regular file, found " +
                kindOf(status.st_mode));
  }
  bytes = uint64_t(status.st_size);
}

InputFile::InputFile(InputFile &&other) noexcept
    : name(std::move(other.name)), descriptor(other.descriptor),
      bytes(other.bytes) {
  other.descriptor = -1;
}

InputFile::~InputFile() {
  if (descriptor >= 0)
    close(descriptor);
}

void InputFile::read(uint64_t offset, void *to, size_t count) const {
  char *out = static_cast<char *>(to);
  while (count > 0) {
    ssize_t got = pread(descriptor, out, count, off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      throw Error(name + ": cannot be read at offset " +
                  std::to_string(offset) + ": " +
                  (got ? std::strerror(errno) : "end of file"));
    out += got;
    offset += uint64_t(got);
    count -= size_t(got);
  }
}

const std::byte *InputFile::map() const {
  if (bytes == 0)
    return nullptr;
  void *address = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED)
    throw Error(name + ": cannot be mapped: " + std::strerror(errno));
  return static_cast<const std::byte *>(address);
}

std::string readWholeFile(const std::string &path, uint64_t maxBytes) {
  InputFile file(path);
  if (file.size() > maxBytes)
    throw Error(path + ": expected at most " + std::to_string(maxBytes) +
                " bytes, found " + std::to_string(file.size()));
  std::string text(size_t(file.size()), '\0');
  file.read(0, text.data(), text.size());
  return text;
}

} // namespace braid::rt
