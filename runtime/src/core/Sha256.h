//===- Sha256.h - SHA-256 (FIPS 180-4) ------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_SHA256_H
#define BRAID_RT_SRC_CORE_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace braid::rt {

/// Lower-case hex digits.
std::string hexOf(const std::array<uint8_t, 32> &digest);

/// Incremental: update any number of times, then finish once.
class Sha256 {
public:
  void update(const void *data, size_t bytes);
  std::array<uint8_t, 32> finish();
  /// finish() as 64 lower-case hex digits.
  std::string finishHex();

private:
  void blocks(const uint8_t *data, size_t count);

  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t pending[64];
  size_t pendingBytes = 0;
  uint64_t totalBytes = 0;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_SHA256_H
