//===- Simulator.cpp - GPU kernels on the CPU, thread by thread -----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Simulator.h"
#include "Block.h"
#include "braid-rt/error.h"

namespace braid::rt {

struct Simulator::State {
  std::vector<SimKernel> kernels;
  std::vector<uint64_t> blocksRun; ///< Of each kernel.
  Block block;
  std::vector<MemoryRange> stepRanges; ///< Beside a kernel's own buffers.
  std::string fault;                   ///< The first of the step.
  uint32_t seed = 1;
  int64_t layer = -1;
};

Simulator::Simulator(std::vector<SimKernel> kernels, uint32_t seed)
    : state(std::make_unique<State>()) {
  state->kernels = std::move(kernels);
  state->blocksRun.resize(state->kernels.size());
  state->seed = seed;
}
Simulator::~Simulator() = default;

static std::string inLayer(int64_t layer) {
  return layer < 0 ? "" : " (layer " + std::to_string(layer) + ")";
}

static MemoryRange rangeOf(const void *data, int64_t bytes) {
  auto begin = reinterpret_cast<uintptr_t>(data);
  return {begin, begin + uintptr_t(bytes)};
}

void Simulator::begin(const braid_step &step) {
  state->fault.clear();
  state->block.seed(state->seed);
  state->layer = -1;
  auto numbers = [](const int32_t *data, int64_t count) {
    return rangeOf(data, count * int64_t(sizeof(int32_t)));
  };
  state->stepRanges = {
      rangeOf(&step, sizeof(step)),
      numbers(step.row_begin, step.sequences + 1),
      numbers(step.position, step.sequences),
      numbers(step.slot, step.sequences),
  };
}

void Simulator::enterLayer(int64_t layer) { state->layer = layer; }

/// What a driver would refuse; empty if nothing. The kernel's number comes from
/// the step's code, the list of kernels from the manifest.
static std::string refusal(const braid_launch &launch, size_t kernels) {
  if (launch.kernel < 0 || uint64_t(launch.kernel) >= kernels)
    return "number " + std::to_string(launch.kernel) + " is launched, but " +
           std::to_string(kernels) + " are known";
  constexpr int64_t kMost[] = {INT32_MAX, UINT16_MAX, UINT16_MAX};
  for (int i = 0; i < 3; ++i)
    if (launch.grid[i] < 0 || launch.grid[i] > kMost[i])
      return std::to_string(launch.kernel) + ": a grid of " +
             std::to_string(launch.grid[i]) + " blocks in dimension " +
             std::to_string(i) + ", at most " + std::to_string(kMost[i]);
  return "";
}

/// Of tensor maps, what a driver would refuse to encode; empty if nothing.
static std::string refusedMap(const braid_launch &launch) {
  constexpr int64_t kMostRows = 256, kAlign = 16;
  for (int64_t i = 0; i < launch.count; ++i) {
    if (launch.extents[i] != BRAID_TENSOR_MAP)
      continue;
    const auto &map = *reinterpret_cast<braid_tensor_map *>(launch.values[i]);
    bool fits = map.rows > 0 && map.columns > 0 &&
                map.row_bytes >= 2 * map.columns &&
                map.row_bytes % kAlign == 0 && map.tile_rows >= 1 &&
                map.tile_rows <= kMostRows &&
                reinterpret_cast<uintptr_t>(map.data) % kAlign == 0;
    if (!fits)
      return std::to_string(launch.kernel) + ": parameter " +
             std::to_string(i) + " is no tensor map";
  }
  return "";
}

void Simulator::launch(const braid_launch &launch) {
  if (!state->fault.empty())
    return;
  state->fault = refusal(launch, state->kernels.size());
  if (!state->fault.empty())
    return;
  state->fault = refusedMap(launch);
  if (!state->fault.empty())
    return;
  std::vector<MemoryRange> ranges = state->stepRanges;
  for (int64_t i = 0; i < launch.count; ++i)
    if (launch.extents[i] > 0)
      ranges.push_back(
          rangeOf(reinterpret_cast<const void *>(launch.values[i]),
                  launch.extents[i]));
  const SimKernel &kernel = state->kernels[size_t(launch.kernel)];
  int64_t place[3];
  for (place[2] = 0; place[2] < launch.grid[2]; ++place[2])
    for (place[1] = 0; place[1] < launch.grid[1]; ++place[1])
      for (place[0] = 0; place[0] < launch.grid[0]; ++place[0])
        if (!state->block.run(kernel, launch, place, ranges)) {
          state->fault = state->block.fault() + inLayer(state->layer);
          return;
        }
  state->blocksRun[size_t(launch.kernel)] +=
      uint64_t(launch.grid[0] * launch.grid[1] * launch.grid[2]);
}

const std::vector<uint64_t> &Simulator::blocksRun() const {
  return state->blocksRun;
}

void Simulator::end() {
  if (!state->fault.empty())
    throw Error("simulated kernel " + state->fault);
}

} // namespace braid::rt
