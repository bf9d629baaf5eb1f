//===- ConfigReader.h - checked reading of a config's keys ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_IMPORT_HUGGINGFACE_CONFIGREADER_H
#define BRAID_LIB_IMPORT_HUGGINGFACE_CONFIGREADER_H

#include "braid-rt/json.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace braid {

/// The names of one setting, the preferred one first.
using Keys = std::initializer_list<const char *>;

struct Range {
  int64_t least, most;
};

/// `value` as it stands in the file, cut to a readable length.
std::string show(const rt::Json &value);

/// One JSON object of a config. Remembers which keys were asked for. A key with
/// the value null counts as absent. Every member throws rt::Error, with a line
/// that names file, key, what was expected and what was found.
class ConfigReader {
public:
  /// `object` must outlive the reader; `prefix` ("llm_config.") goes before
  /// keys in messages.
  ConfigReader(std::string file, const rt::Json &object,
               std::string prefix = {});

  const std::string &file() const { return name; }
  /// The first of `keys` that is present and not null; its name into `found`.
  const rt::Json *find(Keys keys, std::string *found = nullptr) const;
  /// Marks keys as known, though nothing depends on them.
  void ignore(Keys keys) const;

  int64_t integer(Keys keys, int64_t absent, Range range) const;
  double number(Keys keys, double absent) const;
  bool boolean(Keys keys, bool absent) const;
  std::string string(Keys keys, const std::string &absent) const;

  int64_t integerOf(const rt::Json &value, const std::string &key,
                    Range range) const;
  /// A finite or infinite number in any of its spellings; NaN is refused.
  double numberOf(const rt::Json &value, const std::string &key) const;

  /// "FILE: key 'KEY': expected EXPECTED, found FOUND".
  std::string line(const std::string &key, const std::string &expected,
                   const std::string &found) const;
  [[noreturn]] void fail(const std::string &key, const std::string &expected,
                         const std::string &found,
                         const std::string &hint = {}) const;
  /// Keys that nothing asked for, in the order of the file.
  std::vector<std::string> unknown() const;

private:
  std::string name;
  const rt::Json &object;
  std::string prefix;
  mutable std::unordered_set<std::string> asked;
};

} // namespace braid

#endif // BRAID_LIB_IMPORT_HUGGINGFACE_CONFIGREADER_H
