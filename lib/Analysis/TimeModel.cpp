//===- TimeModel.cpp - how long a step may take on a GPU ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/TimeModel.h"

#include <algorithm>

namespace braid {

#define TIME_CONSTANT(name, value, source) static constexpr double name = value;
#include "GPUTime.def"

/// The entry of its own, or the one of all others: that with the empty name.
#define MATCHES(entry, name) (*entry == 0 || name == entry)

static double bandwidthShare(const std::string &name) {
#define BANDWIDTH_SHARE(op, share, source)                                     \
  if (MATCHES(op, name))                                                       \
    return share;
#include "GPUTime.def"
  return 1;
}

static double computeShare(const std::string &name) {
#define COMPUTE_SHARE(op, share, source)                                       \
  if (MATCHES(op, name))                                                       \
    return share;
#include "GPUTime.def"
  return 1;
}

static double instructionShare(const std::string &name,
                               const std::string &instruction) {
#define INSTRUCTION_SHARE(target, unit, share, source)                         \
  if (MATCHES(target, name) && instruction == unit)                            \
    return share;
#include "GPUTime.def"
  return 1;
}

/// The part of the multiprocessors that has work, over all waves of blocks.
static double busyShare(int64_t blocks, int64_t multiprocessors) {
  int64_t waves = (blocks + multiprocessors - 1) / multiprocessors;
  return blocks ? double(blocks) / double(waves * multiprocessors) : 1;
}

KernelTime predict(const KernelWork &work, const Machine &machine) {
  bool tensor = !work.unit.empty();
  double peak = tensor ? machine.flops : machine.laneFlops;
  double busy = busyShare(work.blocks, machine.multiprocessors);
  // Once all multiprocessors have work, loads of later blocks fill the gaps.
  double loading = work.blocks < machine.multiprocessors ? busy : 1;
  double move = work.bytes / (machine.bandwidth * bandwidthShare(work.op));
  double compute = work.flops / (peak * computeShare(work.op));
  move /= loading;
  compute /= busy;
  if (tensor)
    compute /= instructionShare(machine.target, work.unit);
  double launches = double(work.launches) * launchSeconds;
  KernelTime time;
  time.seconds = launches + std::max(move, compute);
  time.atBest =
      std::max(work.bytes / machine.bandwidth, work.flops / machine.flops);
  time.limit = launches > std::max(move, compute) ? "launches"
               : move > compute                   ? "memory"
                                                  : "compute";
  return time;
}

KernelTime predict(const std::vector<KernelWork> &step,
                   const Machine &machine) {
  KernelTime total;
  double bytes = 0, flops = 0, launches = 0;
  for (const KernelWork &work : step) {
    total.seconds += predict(work, machine).seconds;
    launches += double(work.launches) * launchSeconds;
    bytes += work.bytes;
    flops += work.flops;
  }
  double move = bytes / machine.bandwidth, compute = flops / machine.flops;
  total.atBest = std::max(move, compute);
  total.limit = launches > total.seconds - launches ? "launches"
                : move > compute                   ? "memory"
                                                   : "compute";
  return total;
}

} // namespace braid
