//===- braid-rt/json.h - strict reading of untrusted JSON ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_JSON_H
#define BRAID_RT_JSON_H

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace braid::rt {

/// Keys keep the order of the file.
using Json = nlohmann::ordered_json;

struct JsonOptions {
  /// Longest accepted text in bytes.
  size_t maxBytes = size_t(256) << 20;
  int maxDepth = 64;
  /// Python writes Infinity, -Infinity and NaN as bare words. If set they are
  /// read as the strings "Infinity", "-Infinity", "NaN"; otherwise refused.
  bool allowNonFinite = false;
};

/// Parses `text`; `name` (a file's path) begins every message.
/// Throws Error: not JSON, a duplicate key, too deep, too long, not UTF-8.
Json parseJson(std::string_view text, const std::string &name,
               const JsonOptions &options = {});

/// Whether there is something at `path`, be it a link that leads nowhere: that
/// is an unfinished download, not a file that the model does without.
bool isThere(const std::string &path);

/// A regular file's text; never waits for a FIFO nor reads a device. Throws
/// Error, also if it is longer than `maxBytes`.
std::string readTextFile(const std::string &path,
                         size_t maxBytes = JsonOptions().maxBytes);

/// Reads a regular file whole and parses it. Throws Error.
Json readJsonFile(const std::string &path, const JsonOptions &options = {});

} // namespace braid::rt

#endif // BRAID_RT_JSON_H
