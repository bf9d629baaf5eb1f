//===- CodeCache.h - machine code of earlier compilations (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TARGET_CODECACHE_H
#define BRAID_LIB_TARGET_CODECACHE_H

#include <optional>
#include <string>
#include <vector>

namespace braid {

/// What an assembler wrote and what it said.
struct Assembled {
  std::string code, report;
};

/// A folder with one file per content that was assembled. It is a convenience:
/// what cannot be read, is damaged, or cannot be written is as if it were not
/// there. Any number of processes and threads may use it at once.
class CodeCache {
public:
  /// An empty `folder` keeps nothing.
  explicit CodeCache(std::string folder) : folder(std::move(folder)) {}

  /// The name of what is made of `parts`.
  static std::string keyOf(const std::vector<std::string> &parts);

  std::optional<Assembled> find(const std::string &key) const;

  /// However large the folder gets: trim() is up to the caller.
  void keep(const std::string &key, const Assembled &made) const;

  /// Removes what was not used for longest if the folder is too large.
  void trim() const;

private:
  std::string pathOf(const std::string &key) const;

  std::string folder;
};

} // namespace braid

#endif // BRAID_LIB_TARGET_CODECACHE_H
