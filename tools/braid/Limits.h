//===- Limits.h - what this machine can do at best ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_LIMITS_H
#define BRAID_TOOLS_LIMITS_H

#include <cstdint>
#include <memory>
#include <string>

namespace braid {

/// FLOP/s and bytes/s of `threads` threads together; 0: the CPU has no such
/// instruction.
struct Limits {
  double avx2Fma = 0, avx512Fma = 0, bf16Dot = 0;
  double read = 0; ///< From memory, by the fastest of some ways to read it
                   ///< from one end to the other.
};

/// Measures the limits with registers full of multiply-adds, and by reading a
/// buffer that is larger than usual caches.
class LimitMeter {
public:
  explicit LimitMeter(int threads);
  ~LimitMeter();
  /// Takes about 0.3 s; call it beside each measurement, as a shared machine's
  /// limits change. Uses `threads` threads of its own.
  Limits measure();

private:
  double readBandwidth(void (*read)(const char *, uint64_t)) const;

  static constexpr uint64_t kBytes = uint64_t(1) << 30;
  int threads;
  char *buffer;
};

/// The model name of the CPU, from /proc/cpuinfo.
std::string cpuName();
/// True if the CPU has AMX tiles.
bool hasAmx();

} // namespace braid

#endif // BRAID_TOOLS_LIMITS_H
