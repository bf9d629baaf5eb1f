//===- Capture.cpp - what a run leaves for tests and tools ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Capture.h"

namespace braid::rt {

size_t LogitsCapture::addPrompt(std::string prefix) {
  entries.push_back({std::move(prefix), {}, {}, {}});
  return entries.size() - 1;
}

void LogitsCapture::promptRows(size_t prompt, int64_t rows,
                               const float *logits) {
  std::vector<float> &all = entries[prompt].promptLogits;
  all.insert(all.end(), logits, logits + rows * vocabulary);
}

void LogitsCapture::token(size_t prompt, int32_t id, const float *logits) {
  Entry &entry = entries[prompt];
  entry.tokens.push_back(id);
  entry.decodeLogits.insert(entry.decodeLogits.end(), logits,
                            logits + vocabulary);
}

void LogitsCapture::write(const std::string &path) const {
  std::vector<TensorToWrite> tensors;
  auto matrix = [&](const std::string &name, const std::vector<float> &rows) {
    tensors.push_back({name,
                       "F32",
                       {int64_t(rows.size()) / vocabulary, vocabulary},
                       rows.data(),
                       rows.size() * sizeof(float)});
  };
  for (const Entry &e : entries) {
    if (!e.promptLogits.empty())
      matrix(e.prefix + "prompt.logits", e.promptLogits);
    tensors.push_back({e.prefix + "decode.tokens",
                       "I32",
                       {int64_t(e.tokens.size())},
                       e.tokens.data(),
                       e.tokens.size() * sizeof(int32_t)});
    matrix(e.prefix + "decode.logits", e.decodeLogits);
  }
  writeSafetensors(path, tensors);
}

} // namespace braid::rt
