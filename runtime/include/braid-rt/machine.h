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

/// Bytes that this process may come to use: what the kernel holds for
/// available, but no more than its cgroup (version 1 or 2) and its own limit
/// allow.
uint64_t availableMemory();

/// Throws Error, with the remedy as its hint, unless `needed` bytes are
/// available: for memory that is going to be written, where a reservation alone
/// would succeed and the process be killed later.
void requireMemory(const std::string &what, uint64_t needed, uint64_t available,
                   const std::string &remedy);

/// The most memory that this process ever had resident, in bytes.
uint64_t peakResident();

} // namespace braid::rt

#endif // BRAID_RT_MACHINE_H
