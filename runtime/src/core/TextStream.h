//===- TextStream.h - tokens as text that can be shown --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_TEXTSTREAM_H
#define BRAID_RT_SRC_CORE_TEXTSTREAM_H

#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {

/// Cuts a stream of bytes into text: never half a UTF-8 character, nothing that
/// may turn out to be the beginning of a stop string, and nothing from a stop
/// string on. Bytes that are not UTF-8 become U+FFFD.
class TextStream {
public:
  explicit TextStream(std::vector<std::string> stopStrings = {})
      : stops(std::move(stopStrings)) {}

  /// Takes the bytes of the next token; returns the text that has become
  /// certain.
  std::string add(std::string_view bytes);
  /// The rest, when no more will come.
  std::string finish();
  /// Whether a stop string has appeared.
  bool stopped() const { return found; }

private:
  void decode(bool last);
  std::string release(bool last);

  std::vector<std::string> stops;
  std::string bytes; ///< Not yet known to be whole characters.
  std::string text;  ///< Whole characters that are held back.
  bool found = false;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_TEXTSTREAM_H
