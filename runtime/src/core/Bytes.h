//===- Bytes.h - sizes that may not overflow ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_BYTES_H
#define BRAID_RT_SRC_CORE_BYTES_H

#include "braid-rt/error.h"
#include "braid-rt/manifest.h"

#include <cstdint>

namespace braid::rt {

/// a * b. Throws Error naming `what` beyond what any machine can address.
inline uint64_t bytesOf(const std::string &what, uint64_t a, uint64_t b) {
  uint64_t result;
  if (__builtin_mul_overflow(a, b, &result) || result >> 46)
    throw Error(what + ": is larger than 2^46 bytes",
                "fewer sequences, fewer rows in a step or a smaller context "
                "need less");
  return result;
}

/// Of the logits of so many rows, in F32. Throws Error as bytesOf does.
inline uint64_t logitBytes(const Manifest &manifest, int64_t rows) {
  return bytesOf("logits", sizeof(float) * uint64_t(manifest.vocabulary),
                 uint64_t(rows));
}

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_BYTES_H
