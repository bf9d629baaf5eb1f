//===- ConfigReader.cpp - checked reading of a config's keys --------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigReader.h"
#include "braid-rt/error.h"

#include <cmath>

using braid::rt::Json;

namespace braid {

std::string show(const Json &value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() > 80 ? text.substr(0, 77) + "..." : text;
}

ConfigReader::ConfigReader(std::string file, const Json &object,
                           std::string prefix)
    : name(std::move(file)), object(object), prefix(std::move(prefix)) {
  if (!object.is_object())
    throw rt::Error(name + ": expected a JSON object" +
                    (this->prefix.empty() ? "" : " '" + this->prefix + "'") +
                    ", found " + show(object));
}

const Json *ConfigReader::find(Keys keys, std::string *found) const {
  const Json *result = nullptr;
  for (const char *key : keys) {
    asked.insert(key);
    auto it = object.find(key);
    if (result || it == object.end() || it->is_null())
      continue;
    result = &*it;
    if (found)
      *found = key;
  }
  return result;
}

void ConfigReader::ignore(Keys keys) const {
  asked.insert(keys.begin(), keys.end());
}

int64_t ConfigReader::integer(Keys keys, int64_t absent, Range range) const {
  std::string key;
  const Json *value = find(keys, &key);
  return value ? integerOf(*value, key, range) : absent;
}

int64_t ConfigReader::integerOf(const Json &value, const std::string &key,
                                Range range) const {
  bool fits = value.is_number_integer() && !(value.is_number_unsigned() &&
                                             value.get<uint64_t>() > INT64_MAX);
  int64_t number = fits ? value.get<int64_t>() : 0;
  if (!fits || number < range.least || number > range.most)
    fail(key,
         "an integer from " + std::to_string(range.least) + " to " +
             std::to_string(range.most),
         show(value));
  return number;
}

double ConfigReader::number(Keys keys, double absent) const {
  std::string key;
  const Json *value = find(keys, &key);
  return value ? numberOf(*value, key) : absent;
}

double ConfigReader::numberOf(const Json &value, const std::string &key) const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value.is_object() && value.size() == 1 && value.contains("__float__"))
    return numberOf(value["__float__"], key);
  if (value.is_number())
    return value.get<double>();
  if (value.is_string()) {
    const std::string &text = value.get_ref<const std::string &>();
    for (const char *word : {"Infinity", "inf", "Inf", "+Infinity", "+inf"})
      if (text == word)
        return infinity;
    for (const char *word : {"-Infinity", "-inf", "-Inf"})
      if (text == word)
        return -infinity;
  }
  fail(key, "a number", show(value));
}

bool ConfigReader::boolean(Keys keys, bool absent) const {
  std::string key;
  const Json *value = find(keys, &key);
  if (value && !value->is_boolean())
    fail(key, "true or false", show(*value));
  return value ? value->get<bool>() : absent;
}

std::string ConfigReader::string(Keys keys, const std::string &absent) const {
  std::string key;
  const Json *value = find(keys, &key);
  if (value && !value->is_string())
    fail(key, "a string", show(*value));
  return value ? value->get<std::string>() : absent;
}

std::string ConfigReader::line(const std::string &key,
                               const std::string &expected,
                               const std::string &found) const {
  return name + ": key '" + prefix + key + "': expected " + expected +
         ", found " + found;
}

void ConfigReader::fail(const std::string &key, const std::string &expected,
                        const std::string &found,
                        const std::string &hint) const {
  throw rt::Error(line(key, expected, found), hint);
}

std::vector<std::string> ConfigReader::unknown() const {
  std::vector<std::string> result;
  for (const auto &[key, value] : object.items())
    if (!asked.count(key))
      result.push_back(prefix + key);
  return result;
}

} // namespace braid
