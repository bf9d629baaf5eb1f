//===- GPULimits.cpp - what a multiprocessor holds, what a driver reads
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/GPULimits.h"

#include <algorithm>

namespace braid {

// The same for all targets; sources as of the table.
static constexpr int64_t kLanes = 32;
static constexpr int64_t kRegisters = 65536;      ///< Of a multiprocessor.
static constexpr int64_t kRegistersAtOnce = 256;  ///< Allocated to a warp.
static constexpr int64_t kWarpsAtOnce = 4;        ///< One to each quarter.
static constexpr int64_t kSharedOfSystem = 1024;  ///< In each block.
static constexpr int64_t kSharedAtOnce = 128;

std::optional<GPULimits> limitsOf(const std::string &target) {
#define GPU_LIMITS(name, warps, blocks, kilobytes)                             \
  if (target == name)                                                          \
    return GPULimits{name, warps, blocks, int64_t(kilobytes) * 1024};
#define PTX_DRIVER(version, release, driver)
#include "GPULimits.def"
  return std::nullopt;
}

static int64_t roundUp(int64_t value, int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

int64_t residentBlocks(const GPULimits &limits, const BlockUse &use) {
  int64_t warps = roundUp(use.threads, kLanes) / kLanes;
  int64_t blocks = std::min(limits.blocks, limits.warps / warps);
  if (use.registers > 0) {
    int64_t perWarp = roundUp(use.registers * kLanes, kRegistersAtOnce);
    int64_t fitting = kRegisters / perWarp / kWarpsAtOnce * kWarpsAtOnce;
    blocks = std::min(blocks, fitting / warps);
  }
  int64_t shared = roundUp(use.sharedBytes + kSharedOfSystem, kSharedAtOnce);
  return std::min(blocks, limits.sharedBytes / shared);
}

double occupancy(const GPULimits &limits, const BlockUse &use) {
  int64_t warps = roundUp(use.threads, kLanes) / kLanes;
  return double(residentBlocks(limits, use) * warps) / double(limits.warps);
}

std::string oldestDriver(const std::string &ptxVersion) {
#define GPU_LIMITS(name, warps, blocks, kilobytes)
#define PTX_DRIVER(version, release, driver)                                   \
  if (ptxVersion == version)                                                   \
    return driver " (CUDA " release ")";
#include "GPULimits.def"
  return "";
}

} // namespace braid
