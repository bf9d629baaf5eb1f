//===- PlanTime.h - predicted times of steps on a GPU ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_BRAID_PLANTIME_H
#define BRAID_TOOLS_BRAID_PLANTIME_H

#include "StepKernels.h"
#include "braid-rt/json.h"

namespace braid {

/// A step and its kernels, for one machine.
struct PlannedStep {
  std::string name; ///< decode or prefill.
  StepShape shape;
  std::vector<KernelWork> kernels;
};

/// A table of the steps' kernels, the slowest first.
std::string stepsText(const std::vector<PlannedStep> &steps,
                      const Machine &machine);

/// docs/Plan.md, `steps`.
rt::Json stepsJson(const std::vector<PlannedStep> &steps,
                   const Machine &machine);

} // namespace braid

#endif // BRAID_TOOLS_BRAID_PLANTIME_H
