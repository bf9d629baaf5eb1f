//===- TimeModel.h - how long a step may take on a GPU --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_ANALYSIS_TIMEMODEL_H
#define BRAID_ANALYSIS_TIMEMODEL_H

#include "braid/Analysis/Machine.h"

namespace braid {

/// What a kernel does in one step, in all its calls.
struct KernelWork {
  std::string name, op;
  std::string unit;     ///< Of its products: mma, wgmma; empty: FP32 lanes.
  int64_t launches = 0; ///< Of GPU kernels.
  int64_t blocks = 0;   ///< Of the largest launch.
  double bytes = 0, flops = 0;
};

struct KernelTime {
  double seconds = 0; ///< Predicted.
  double atBest = 0;  ///< Bytes and FLOPs at the published peaks, no launches.
  std::string limit;  ///< What most of the time goes to.
};

/// A prediction from the constants of GPUTime.def: launches, and the longer of
/// moving bytes and computing, on the multiprocessors that the blocks keep busy.
/// REQUIRES: machine.target is set.
KernelTime predict(const KernelWork &work, const Machine &machine);

/// The same for a step of these kernels, one after another.
KernelTime predict(const std::vector<KernelWork> &step, const Machine &machine);

} // namespace braid

#endif // BRAID_ANALYSIS_TIMEMODEL_H
