//===- GPULimits.h - what a multiprocessor holds, what a driver reads
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_ANALYSIS_GPULIMITS_H
#define BRAID_ANALYSIS_GPULIMITS_H

#include <cstdint>
#include <optional>
#include <string>

namespace braid {

/// Of one multiprocessor.
struct GPULimits {
  std::string target;
  int64_t warps, blocks;
  int64_t sharedBytes; ///< For all blocks; each takes 1 kB for itself.
};

/// None for a target that GPULimits.def does not have.
std::optional<GPULimits> limitsOf(const std::string &target);

/// What a kernel takes of a multiprocessor.
struct BlockUse {
  int64_t threads, registers, sharedBytes;
};

/// Blocks that a multiprocessor can hold at the same time.
int64_t residentBlocks(const GPULimits &limits, const BlockUse &use);
/// Their warps over the most it can hold: the theoretical occupancy, 0 to 1.
double occupancy(const GPULimits &limits, const BlockUse &use);

/// The oldest driver branch that reads a PTX version, such as "r545 (CUDA
/// 12.3)"; empty if it is not known.
std::string oldestDriver(const std::string &ptxVersion);

} // namespace braid

#endif // BRAID_ANALYSIS_GPULIMITS_H
