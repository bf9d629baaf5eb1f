//===- StepKernels.h - what GPU kernels a step runs -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_BRAID_STEPKERNELS_H
#define BRAID_TOOLS_BRAID_STEPKERNELS_H

#include "braid/Analysis/TimeModel.h"

#include <memory>

namespace braid {

/// A step: `sequences` with `rows` in all, each after `context` tokens, the last
/// row of each wanting logits. Within the step rows see each other.
struct StepShape {
  int64_t rows = 1, sequences = 1, context = 0;
};

/// A model's code for one GPU target. Nothing of it is assembled or run on a GPU.
class GPUCode {
public:
  virtual ~GPUCode() = default;
  /// Runs the step's host code and notes what it launches.
  virtual std::vector<KernelWork> kernelsOf(const StepShape &shape) = 0;
};

/// Compiles for `target`. Throws rt::Error.
std::unique_ptr<GPUCode> compileForGPU(const std::string &model,
                                       const std::string &target, bool f32);

} // namespace braid

#endif // BRAID_TOOLS_BRAID_STEPKERNELS_H
