//===- Random.h - random numbers by counter -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_RANDOM_H
#define BRAID_RT_SRC_CORE_RANDOM_H

#include <cstdint>

namespace braid::rt {

/// A bijection of 64-bit words that scatters every bit (the finaliser of
/// splitmix64, Steele et al. 2014).
inline uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// The `index`-th word of the stream `key`: no state, the same everywhere.
inline uint64_t random(uint64_t key, uint64_t index) {
  return mix(key + (index + 1) * 0x9e3779b97f4a7c15);
}

/// In [0, 1), a multiple of 2^-53.
inline double uniform(uint64_t key, uint64_t index) {
  return double(random(key, index) >> 11) * 0x1p-53;
}

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_RANDOM_H
