//===- TextStream.cpp - tokens as text that can be shown ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TextStream.h"
#include "text/Utf8.h"

#include <algorithm>

namespace braid::rt {

/// Moves whole characters from `bytes` to `text`; all of them if `last`.
void TextStream::decode(bool last) {
  size_t length = last ? bytes.size() : completePrefix(bytes);
  text += replaceInvalid(std::string_view(bytes).substr(0, length));
  bytes.erase(0, length);
}

/// How many bytes at the end of `text` may begin `stop`.
static size_t overlap(std::string_view text, std::string_view stop) {
  size_t length = std::min(text.size(), stop.size() - 1);
  while (!text.ends_with(stop.substr(0, length)))
    --length;
  return length;
}

std::string TextStream::release(bool last) {
  size_t end = text.size(), held = 0;
  for (const std::string &stop : stops) {
    if (stop.empty())
      continue;
    size_t at = text.find(stop);
    if (at <= end && at != text.npos) {
      end = at;
      found = true;
    }
    held = std::max(held, overlap(text, stop));
  }
  if (!found && !last)
    end = text.size() - held;
  std::string ready = text.substr(0, end);
  text.erase(0, found ? text.size() : end);
  return ready;
}

std::string TextStream::add(std::string_view more) {
  if (found)
    return "";
  bytes += more;
  decode(false);
  return release(false);
}

std::string TextStream::finish() {
  if (found)
    return "";
  decode(true);
  return release(true);
}

} // namespace braid::rt
