//===- SmallTokenizer.h - a tokenizer.json to take apart -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TEST_UNIT_TEXT_SMALLTOKENIZER_H
#define BRAID_TEST_UNIT_TEXT_SMALLTOKENIZER_H

#include "braid-rt/error.h"
#include "braid-rt/json.h"
#include "braid-rt/tokenizer.h"

#include <gtest/gtest.h>
#include <initializer_list>

namespace braid::rt {

/// The byte alphabet as ids 0..255, "ab" = 256, "abc" = 257, and no regular
/// expression, so that a text is one word.
inline Json smallTokenizer() {
  Json vocabulary = Json::object();
  int hidden = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bool shown = (byte > ' ' && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    int point = shown ? byte : hidden++;
    std::string form;
    if (point < 0x80)
      form = {char(point)};
    else
      form = {char(0xC0 | point >> 6), char(0x80 | (point & 0x3F))};
    vocabulary[form] = byte;
  }
  vocabulary["ab"] = 256;
  vocabulary["abc"] = 257;
  return {{"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "ByteLevel"},
            {"add_prefix_space", false},
            {"use_regex", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"vocab", vocabulary},
            {"merges", Json::array({"a b", "ab c"})}}}};
}

inline Tokenizer load(const Json &json) {
  return Tokenizer::fromJson(json.dump(), "t.json");
}

/// The message of the Error that loading throws; fails the test without one.
inline std::string messageOf(std::string_view text) {
  try {
    Tokenizer::fromJson(text, "t.json");
  } catch (const Error &error) {
    return error.what();
  }
  ADD_FAILURE() << "expected an error";
  return {};
}

using Ids = std::vector<int32_t>;

/// The ids of a text of bytes alone.
inline Ids bytes(std::string_view text) {
  return Ids(reinterpret_cast<const uint8_t *>(text.data()),
             reinterpret_cast<const uint8_t *>(text.data()) + text.size());
}

} // namespace braid::rt

#endif // BRAID_TEST_UNIT_TEXT_SMALLTOKENIZER_H
