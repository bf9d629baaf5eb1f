//===- Simulator.h - GPU kernels on the CPU, thread by thread -------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes the functions that `nvvm-to-sim` made of a target's kernels. Every
// thread of a block is a fiber; blocks run one after another. Nothing about
// time is modelled. What is checked, and stops the step with an error: accesses
// outside of the buffers that a kernel was given, or not aligned; shared memory
// read before it is written; accesses of shared memory that no barrier orders;
// bytes used while an asynchronous copy to them is under way, which happens at
// any moment up to its wait, as a seeded generator says; threads that do not
// meet at barriers and warp operations.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_SIMULATOR_H
#define BRAID_RT_SRC_SIM_SIMULATOR_H

#include "braid-rt/abi.h"

#include <memory>
#include <string>
#include <vector>

namespace braid::rt {

/// A kernel that can be simulated.
struct SimKernel {
  std::string name;
  braid_sim_fn function = nullptr;
  int64_t threads = 0;      ///< Of a block.
  uint64_t sharedBytes = 0; ///< Of a block.
};

class Simulator {
public:
  explicit Simulator(std::vector<SimKernel> kernels, uint32_t seed = 1);
  ~Simulator();

  /// Before a step: what its kernels may read beside their own buffers.
  void begin(const braid_step &step);
  /// What errors say of the launches that follow; -1: nothing.
  void enterLayer(int64_t layer);
  /// Runs a grid to its end, unless something has failed before.
  void launch(const braid_launch &launch);
  /// After a step. Throws Error: the first fault, with kernel, block, thread
  /// and place.
  void end();
  /// Blocks of each kernel that have run so far.
  const std::vector<uint64_t> &blocksRun() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_SIMULATOR_H
