//===- JsonCursor.h - a JSON value that knows where it is -------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads what is expected or throws an Error that names file, key, expected and
// found: "tokenizer.json: model.merges[3]: expected a string, found 7".
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_JSONCURSOR_H
#define BRAID_RT_TEXT_JSONCURSOR_H

#include "braid-rt/error.h"
#include "braid-rt/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace braid::rt {

/// A view: the Json must outlive it.
class JsonCursor {
public:
  JsonCursor(const Json &value, std::string file)
      : json(&value), file(std::move(file)) {}

  const Json &value() const { return *json; }
  bool isNull() const { return json->is_null(); }

  /// The member, or nothing if it is absent or null.
  std::optional<JsonCursor> find(const std::string &key) const {
    const Json &object = expect(json->is_object(), "an object");
    auto it = object.find(key);
    if (it == object.end() || it->is_null())
      return std::nullopt;
    return JsonCursor(*it, file, path.empty() ? key : path + "." + key);
  }
  JsonCursor at(const std::string &key) const {
    std::optional<JsonCursor> member = find(key);
    if (!member)
      fail("expected the key '" + key + "', found none");
    return *member;
  }
  JsonCursor at(size_t index) const {
    return JsonCursor((*json)[index], file,
                      path + "[" + std::to_string(index) + "]");
  }
  /// Number of elements. Throws if it is not an array.
  size_t arraySize() const {
    return expect(json->is_array(), "an array").size();
  }

  const std::string &string() const {
    return expect(json->is_string(), "a string").get_ref<const std::string &>();
  }
  bool boolean() const {
    return expect(json->is_boolean(), "true or false").get<bool>();
  }
  bool booleanOr(const std::string &key, bool otherwise) const {
    std::optional<JsonCursor> member = find(key);
    return member ? member->boolean() : otherwise;
  }
  /// An integer in [0, limit).
  int32_t below(int32_t limit) const {
    bool fits =
        json->is_number_unsigned() && json->get<uint64_t>() < uint64_t(limit);
    expect(fits, "an integer in 0.." + std::to_string(limit - 1));
    return json->get<int32_t>();
  }

  /// `text` on one line and not too long, for messages.
  static std::string quoted(std::string_view text) {
    std::string shown = Json(std::string(text)).dump();
    return shown.size() <= 60 ? shown : "a long string";
  }

  [[noreturn]] void fail(const std::string &what,
                         const std::string &hint = {}) const {
    throw Error(file + ": " + (path.empty() ? "" : path + ": ") + what, hint);
  }

private:
  JsonCursor(const Json &value, std::string file, std::string path)
      : json(&value), file(std::move(file)), path(std::move(path)) {}

  const Json &expect(bool holds, const std::string &expected) const {
    if (!holds)
      fail("expected " + expected + ", found " + shown());
    return *json;
  }
  std::string shown() const {
    if (json->is_object())
      return "an object";
    if (json->is_array())
      return "an array";
    return json->is_string() ? quoted(json->get_ref<const std::string &>())
                             : json->dump();
  }

  const Json *json;
  std::string file, path;
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_JSONCURSOR_H
