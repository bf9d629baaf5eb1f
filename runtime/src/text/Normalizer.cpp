//===- Normalizer.cpp - Unicode normal form of a prompt -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Normalizer.h"
#include "JsonCursor.h"
#include "Utf8.h"

#include <algorithm>
#include <tuple>
#include <utf8proc.h>
#include <vector>

namespace braid::rt {
namespace {

constexpr auto compose = utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_COMPOSE);

/// Characters below U+0300 neither combine nor decompose under composition,
/// and U+0300 is the first whose lead byte is 0xCC.
bool isTriviallyComposed(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return uint8_t(c) < 0xCC; });
}

std::vector<utf8proc_int32_t> decompose(std::string_view text) {
  std::vector<utf8proc_int32_t> points;
  points.reserve(text.size() + 16);
  while (!text.empty()) {
    Utf8Step step = utf8Step(text);
    // 18 is the longest decomposition Unicode has.
    utf8proc_int32_t parts[18];
    int boundClass = 0;
    auto count = utf8proc_decompose_char(utf8proc_int32_t(step.codePoint),
                                         parts, 18, compose, &boundClass);
    if (count < 0 || count > 18)
      throw Error(std::string("cannot normalize the text: ") +
                  utf8proc_errmsg(count));
    points.insert(points.end(), parts, parts + count);
    text.remove_prefix(step.length);
  }
  return points;
}

int combiningClass(utf8proc_int32_t point) {
  return utf8proc_get_property(point)->combining_class;
}

/// Sorts marks by class and leaves those of one class in place.
void orderRun(utf8proc_int32_t *begin, utf8proc_int32_t *end) {
  std::vector<std::tuple<int, size_t, utf8proc_int32_t>> marks;
  for (auto *it = begin; it != end; ++it)
    marks.emplace_back(combiningClass(*it), marks.size(), *it);
  std::sort(marks.begin(), marks.end());
  for (const auto &mark : marks)
    *begin++ = std::get<2>(mark);
}

/// Canonical ordering. utf8proc's own exchanges neighbours, which takes
/// quadratic time on a long run of marks.
void orderMarks(std::vector<utf8proc_int32_t> &points) {
  auto isMark = [](auto point) { return combiningClass(point) != 0; };
  auto *begin = points.data(), *last = begin + points.size();
  while ((begin = std::find_if(begin, last, isMark)) != last) {
    auto *end = std::find_if_not(begin, last, isMark);
    if (end - begin > 1)
      orderRun(begin, end);
    begin = end;
  }
}

std::string toNfc(std::string_view text) {
  std::vector<utf8proc_int32_t> points = decompose(text);
  orderMarks(points);
  auto length = utf8proc_normalize_utf32(
      points.data(), utf8proc_ssize_t(points.size()), compose);
  std::string out;
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < length; ++i)
    appendUtf8(out, char32_t(points[size_t(i)]));
  return out;
}

bool readComposes(const JsonCursor &json) {
  const std::string &type = json.at("type").string();
  if (type == "NFC")
    return true;
  if (type != "Sequence")
    json.fail("normalizer " + JsonCursor::quoted(type) + " is not supported",
              "supported are NFC and Sequence");
  JsonCursor parts = json.at("normalizers");
  bool composes = false;
  for (size_t i = 0, count = parts.arraySize(); i < count; ++i)
    composes |= readComposes(parts.at(i));
  return composes;
}

} // namespace

Normalizer::Normalizer(const JsonCursor &json) : composes(readComposes(json)) {}

std::string Normalizer::normalize(std::string_view text) const {
  if (!composes || isTriviallyComposed(text))
    return std::string(text);
  return toNfc(text);
}

} // namespace braid::rt
