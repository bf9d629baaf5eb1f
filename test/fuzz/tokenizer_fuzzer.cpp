//===- tokenizer_fuzzer.cpp - any file, any text --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Input: a tokenizer.json, a zero byte and a text; or, without a zero byte, a
// text alone, for a fixed tokenizer whose results are checked.
//===----------------------------------------------------------------------===//
#include "braid-rt/error.h"
#include "braid-rt/json.h"
#include "braid-rt/tokenizer.h"
#include "text/Utf8.h"

#include <cstdlib>

using namespace braid::rt;

/// Bytes 0..255 as ids, two merges, GPT-2's regular expression and two added
/// tokens: every text must come back.
static Tokenizer makeFixed() {
  Json vocabulary = Json::object();
  char32_t hidden = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bool shown = (byte > ' ' && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    std::string form;
    appendUtf8(form, shown ? char32_t(byte) : hidden++);
    vocabulary[form] = byte;
  }
  vocabulary["th"] = 256;
  vocabulary["the"] = 257;
  Json json = {
      {"added_tokens",
       {{{"id", 258}, {"content", "<x>"}, {"special", true}},
        {{"id", 259}, {"content", "yy"}, {"single_word", true}}}},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"vocab", vocabulary},
        {"merges", Json::array({"t h", "th e"})}}}};
  return Tokenizer::fromJson(json.dump(), "fixed");
}

static void checkFixed(std::string_view text) {
  static const Tokenizer fixed = makeFixed();
  std::string expected = replaceInvalid(text);
  for (bool parseSpecial : {false, true})
    if (fixed.decode(fixed.encode(text, {false, parseSpecial}), false) !=
        expected)
      std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  size_t zero = input.find('\0');
  try {
    if (zero == input.npos) {
      checkFixed(input);
      return 0;
    }
    Tokenizer tokenizer = Tokenizer::fromJson(input.substr(0, zero), "fuzz");
    std::vector<int32_t> ids =
        tokenizer.encode(input.substr(zero + 1), {true, true});
    tokenizer.decode(ids, false);
  } catch (const Error &) {
  }
  return 0;
}
