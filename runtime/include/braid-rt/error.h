//===- braid-rt/error.h - the one error type -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_ERROR_H
#define BRAID_RT_ERROR_H

#include <stdexcept>
#include <string>
#include <utility>

namespace braid::rt {

/// A message fit for one line of a terminal: names come from files, and may
/// hold line breaks and escape sequences, or be endless.
inline std::string oneLine(std::string text) {
  constexpr size_t most = 500;
  for (char &c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F)
      c = '?';
  if (text.size() > most)
    text.replace(most / 2, text.size() - most, "...");
  return text;
}

/// What went wrong with an input or with the machine. `what()` is one line in
/// LLVM manner (lower case, no full stop; file, key or tensor, expected,
/// found); `hint` is the remedy and may be empty. Never crosses the C ABI.
struct Error : std::runtime_error {
  std::string hint;

  explicit Error(const std::string &message, std::string hint = {})
      : std::runtime_error(oneLine(message)), hint(std::move(hint)) {}
};

} // namespace braid::rt

#endif // BRAID_RT_ERROR_H
