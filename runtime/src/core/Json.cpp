//===- Json.cpp - strict reading of untrusted JSON ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// nlohmann's tokenizer with our own tree builder: its builder looks every key
// up linearly in an ordered object (quadratic in a 41,100-entry map) and lets
// the last of two equal keys win.
//===----------------------------------------------------------------------===//
#include "braid-rt/json.h"
#include "File.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>
#include <utility>
#include <vector>

namespace braid::rt {
namespace {

/// Collects values bottom-up; an object becomes a Json when it closes.
class TreeBuilder {
public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  explicit TreeBuilder(int maxDepth) : maxDepth(maxDepth) {}

  bool null() { return add(nullptr); }
  bool boolean(bool v) { return add(v); }
  bool number_integer(number_integer_t v) { return add(v); }
  bool number_unsigned(number_unsigned_t v) { return add(v); }
  bool number_float(number_float_t v, const string_t &) { return add(v); }
  bool string(string_t &v) { return add(std::move(v)); }
  bool binary(binary_t &) { return false; }

  bool key(string_t &v) {
    open.back().keys.push_back(std::move(v));
    return true;
  }
  bool start_object(size_t) { return push(true); }
  bool start_array(size_t) { return push(false); }
  bool end_array() {
    Level level = pop();
    return add(Json::array_t(std::make_move_iterator(level.values.begin()),
                             std::make_move_iterator(level.values.end())));
  }
  bool end_object() {
    Level level = pop();
    if (const std::string *twice = duplicate(level.keys)) {
      problem = "duplicate key '" + twice->substr(0, 100) + "'";
      return false;
    }
    Json object = Json::object();
    auto &entries = object.get_ref<Json::object_t &>();
    entries.reserve(level.keys.size());
    for (size_t i = 0; i < level.keys.size(); ++i)
      entries.emplace_back(std::move(level.keys[i]),
                           std::move(level.values[i]));
    return add(std::move(object));
  }

  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &e) {
    problem = e.what();
    // Drop "[json.exception.parse_error.101] parse error at ...: ".
    if (size_t cut = problem.find("] "); cut != std::string::npos)
      problem.erase(0, cut + 2);
    if (size_t cut = problem.find(": ");
        problem.rfind("parse error", 0) == 0 && cut != std::string::npos)
      problem.erase(0, cut + 2);
    if (problem.size() > 200)
      problem = problem.substr(0, 200) + "...";
    errorOffset = position;
    return false;
  }

  Json root;
  std::string problem;
  size_t errorOffset = 0;

private:
  struct Level {
    bool object;
    std::vector<std::string> keys;
    std::vector<Json> values;
  };

  template <typename T> bool add(T &&value) {
    if (open.empty())
      root = std::forward<T>(value);
    else
      open.back().values.emplace_back(std::forward<T>(value));
    return true;
  }
  bool push(bool object) {
    if (int(open.size()) >= maxDepth) {
      problem = "nested deeper than " + std::to_string(maxDepth) + " levels";
      return false;
    }
    open.push_back({object, {}, {}});
    return true;
  }
  Level pop() {
    Level level = std::move(open.back());
    open.pop_back();
    return level;
  }
  static const std::string *duplicate(const std::vector<std::string> &keys) {
    if (keys.size() <= 8) {
      for (auto it = keys.begin(); it != keys.end(); ++it)
        if (std::find(keys.begin(), it, *it) != it)
          return &*it;
      return nullptr;
    }
    std::unordered_set<std::string_view> seen(keys.size());
    for (const std::string &key : keys)
      if (!seen.insert(key).second)
        return &key;
    return nullptr;
  }

  int maxDepth;
  std::vector<Level> open;
};

/// Puts Python's bare words into quotes. Leaves the inside of strings alone.
std::string quoteNonFinite(std::string_view text) {
  static constexpr std::string_view words[] = {"-Infinity", "Infinity", "NaN"};
  std::string out;
  out.reserve(text.size() + 16);
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\' && i + 1 < text.size()) {
      out += c;
      out += text[++i];
      continue;
    }
    if (c == '"')
      inString = !inString;
    const auto *word = std::end(words);
    if (!inString && (c == '-' || c == 'I' || c == 'N'))
      word = std::find_if(std::begin(words), std::end(words), [&](auto w) {
        return text.substr(i, w.size()) == w;
      });
    if (word == std::end(words)) {
      out += c;
      continue;
    }
    out.append("\"").append(*word).append("\"");
    i += word->size() - 1;
  }
  return out;
}

std::string lineAndColumn(std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, std::min(offset, text.size()));
  size_t line = 1 + std::count(before.begin(), before.end(), '\n');
  size_t newline = before.rfind('\n');
  size_t column =
      newline == before.npos ? before.size() : before.size() - newline - 1;
  return std::to_string(line) + ":" +
         std::to_string(std::max<size_t>(column, 1));
}

} // namespace

Json parseJson(std::string_view text, const std::string &name,
               const JsonOptions &options) {
  if (text.size() > options.maxBytes)
    throw Error(name + ": expected at most " +
                std::to_string(options.maxBytes) + " bytes of JSON, found " +
                std::to_string(text.size()));
  std::string quoted;
  if (options.allowNonFinite &&
      (text.find("Infinity") != text.npos || text.find("NaN") != text.npos))
    text = quoted = quoteNonFinite(text);
  TreeBuilder builder(options.maxDepth);
  if (Json::sax_parse(text.begin(), text.end(), &builder))
    return std::move(builder.root);
  refuseFailedDownload(name, text.substr(0, 64), "JSON");
  bool cut = builder.problem.find("end of input") != std::string::npos;
  std::string where = name;
  if (builder.errorOffset)
    where += ":" + lineAndColumn(text, builder.errorOffset);
  throw Error(where + ": expected JSON, found " + builder.problem,
              cut ? "it is empty or cut; if it was downloaded, fetch it again"
                  : "");
}

bool isThere(const std::string &path) {
  std::error_code ignored;
  return std::filesystem::exists(
      std::filesystem::symlink_status(path, ignored));
}

std::string readTextFile(const std::string &path, size_t maxBytes) {
  return readWholeFile(path, maxBytes);
}

Json readJsonFile(const std::string &path, const JsonOptions &options) {
  return parseJson(readWholeFile(path, options.maxBytes), path, options);
}

} // namespace braid::rt
