//===- CodeCache.cpp - machine code of earlier compilations
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CodeCache.h"
#include "TemporaryFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace braid;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// Of all files together: some ten thousand kernels.
static constexpr uint64_t kMostBytes = 256 << 20;
static constexpr const char *kSuffix = ".cubin";

static std::string hashOf(llvm::StringRef bytes) {
  return llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(bytes)),
                     /*LowerCase=*/true);
}

std::string CodeCache::keyOf(const std::vector<std::string> &parts) {
  std::string hashes;
  for (const std::string &part : parts)
    hashes += hashOf(part);
  return hashOf(hashes);
}

std::string CodeCache::pathOf(const std::string &key) const {
  llvm::SmallString<128> file(folder);
  path::append(file, key + kSuffix);
  return file.str().str();
}

/// Of what follows, its hash; the report's length; the report; the code.
static std::string textOf(const Assembled &made) {
  std::string body =
      std::to_string(made.report.size()) + "\n" + made.report + made.code;
  return hashOf(body) + "\n" + body;
}

static std::optional<Assembled> parse(llvm::StringRef text) {
  auto [hash, body] = text.split('\n');
  auto [length, rest] = body.split('\n');
  size_t report = 0;
  if (hash != hashOf(body) || length.getAsInteger(10, report) ||
      report > rest.size())
    return std::nullopt;
  return Assembled{rest.substr(report).str(), rest.take_front(report).str()};
}

/// The time of a file's last use is that of its last change.
static void touch(const std::string &file) {
  int descriptor = -1;
  if (fs::openFileForReadWrite(file, descriptor, fs::CD_OpenExisting,
                               fs::OF_None))
    return;
  (void)fs::setLastAccessAndModificationTime(descriptor,
                                             std::chrono::system_clock::now());
  ::close(descriptor);
}

std::optional<Assembled> CodeCache::find(const std::string &key) const {
  if (folder.empty())
    return std::nullopt;
  auto buffer = llvm::MemoryBuffer::getFile(pathOf(key));
  auto found = buffer ? parse((*buffer)->getBuffer()) : std::nullopt;
  if (found)
    touch(pathOf(key));
  return found;
}

void CodeCache::keep(const std::string &key, const Assembled &made) const try {
  if (folder.empty() || fs::create_directories(folder))
    return;
  // The suffix lets trim() find what a killed process leaves.
  TemporaryFile file(llvm::Twine(folder) + "/%%%%%%%%.tmp" + kSuffix);
  file.write(textOf(made));
  (void)fs::rename(file.path, pathOf(key));
} catch (const rt::Error &) {
  // The folder cannot be written.
}

void CodeCache::trim() const {
  if (folder.empty())
    return;
  struct File {
    llvm::sys::TimePoint<> used;
    uint64_t bytes;
    std::string path;
  };
  std::vector<File> files;
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; at != end && !error;
       at.increment(error)) {
    auto status = at->status();
    if (!status || !llvm::StringRef(at->path()).ends_with(kSuffix))
      continue;
    files.push_back({status->getLastModificationTime(), status->getSize(),
                     at->path()});
    total += status->getSize();
  }
  llvm::sort(files,
             [](const File &a, const File &b) { return a.used < b.used; });
  for (const File &file : files) {
    if (total <= kMostBytes)
      return;
    if (!fs::remove(file.path))
      total -= file.bytes;
  }
}
