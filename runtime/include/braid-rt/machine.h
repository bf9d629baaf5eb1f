//===- braid-rt/machine.h - what this machine offers ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_MACHINE_H
#define BRAID_RT_MACHINE_H

#include <cstdint>
#include <string>
#include <vector>

namespace braid::rt {

/// Physical cores in this process's affinity mask, but no more than the CPU
/// quota of its cgroup (version 1 or 2), rounded up. At least 1.
int defaultThreads();

/// The first of `features` (names of /proc/cpuinfo) that the CPU lacks; empty
/// if it has all of them.
std::string missingFeature(const std::vector<std::string> &features);

/// Physical memory in bytes.
uint64_t physicalMemory();

/// The most memory that this process ever had resident, in bytes.
uint64_t peakResident();

} // namespace braid::rt

#endif // BRAID_RT_MACHINE_H
