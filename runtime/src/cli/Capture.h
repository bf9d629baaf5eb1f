//===- Capture.h - what a run leaves for tests and tools ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CLI_CAPTURE_H
#define BRAID_RT_SRC_CLI_CAPTURE_H

#include "braid-rt/checkpoint.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace braid::rt {

/// Collects the tensors of --logits.
class LogitsCapture {
public:
  explicit LogitsCapture(int64_t vocabulary) : vocabulary(vocabulary) {}

  /// Makes room for a prompt; its tensors' names begin with `prefix`. Returns
  /// its number.
  size_t addPrompt(std::string prefix);
  void promptRows(size_t prompt, int64_t rows, const float *logits);
  void token(size_t prompt, int32_t id, const float *logits);
  /// Throws Error.
  void write(const std::string &path) const;

private:
  struct Entry {
    std::string prefix;
    std::vector<float> promptLogits, decodeLogits; // [rows, vocabulary]
    std::vector<int32_t> tokens;
  };
  int64_t vocabulary;
  std::deque<Entry> entries;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CLI_CAPTURE_H
