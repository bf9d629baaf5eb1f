//===- SizeText.cpp - bytes as people read them ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SizeText.h"

namespace braid::rt {

/// In whole numbers: the runtime computes nothing in fractions.
std::string sizeText(uint64_t bytes) {
  const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  uint64_t whole = bytes, rest = 0;
  size_t unit = 0;
  for (; whole >= 1024 && unit < 4; ++unit) {
    rest = whole % 1024;
    whole /= 1024;
  }
  uint64_t tenths = whole * 10 + (rest * 10 + 512) / 1024;
  std::string text = std::to_string(unit ? tenths / 10 : whole);
  if (unit)
    text += "." + std::to_string(tenths % 10);
  return text + " " + units[unit];
}

std::string counted(int64_t count, const std::string &noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

} // namespace braid::rt
