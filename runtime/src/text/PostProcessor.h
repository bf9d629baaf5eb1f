//===- PostProcessor.h - ids around a prompt --------------------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_POSTPROCESSOR_H
#define BRAID_RT_TEXT_POSTPROCESSOR_H

#include <cstdint>
#include <vector>

namespace braid::rt {
class JsonCursor;

/// "post_processor" of a tokenizer.json for one text (never a pair): what it
/// puts before and after. TemplateProcessing, ByteLevel (which only moves
/// offsets, so does nothing here) and Sequence.
struct PostProcessor {
  std::vector<int32_t> before, after;

  PostProcessor() = default;
  /// Every id must be in [0, vocabularySize).
  PostProcessor(const JsonCursor &json, int32_t vocabularySize);
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_POSTPROCESSOR_H
