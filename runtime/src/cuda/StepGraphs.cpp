//===- StepGraphs.cpp - recorded steps ------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "StepGraphs.h"
#include "core/SizeText.h"
#include "braid-rt/error.h"

#include <algorithm>

namespace braid::rt::cuda {

void StepGraphs::clear() {
  for (const Recorded &old : recorded)
    gpu.driver().cuGraphExecDestroy(old.graph);
  recorded.clear();
}

CUgraphExec StepGraphs::find(const braid_step &step) const {
  for (const Recorded &r : recorded)
    if (r.rows == step.rows && r.sequences == step.sequences &&
        r.outputs == step.outputs &&
        std::equal(r.pools.begin(), r.pools.end(), step.pools))
      return r.graph;
  return nullptr;
}

/// A capture has to be ended whatever happens in it.
CUgraph StepGraphs::capture(const std::function<bool()> &launches) const {
  const CudaDriver &driver = gpu.driver();
  driver.check(driver.cuStreamBeginCapture(gpu.stream(),
                                           CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
               "recording a step");
  bool good = launches();
  CUgraph graph = nullptr;
  CUresult ended = driver.cuStreamEndCapture(gpu.stream(), &graph);
  if (good && !ended)
    return graph;
  if (graph)
    driver.cuGraphDestroy(graph);
  if (good)
    driver.check(ended, "recording a step");
  return nullptr;
}

CUgraphExec StepGraphs::record(const braid_step &step,
                               const std::function<bool()> &launches) {
  const CudaDriver &driver = gpu.driver();
  if (recorded.size() == kMost)
    clear();
  Recorded fresh{step.rows, step.sequences, step.outputs,
                 {step.pools, step.pools + pools}, nullptr};
  recorded.reserve(recorded.size() + 1);
  CUgraph graph = capture(launches);
  if (!graph)
    return nullptr;
  CUresult made = driver.cuGraphInstantiate(&fresh.graph, graph, 0);
  driver.cuGraphDestroy(graph);
  if (made)
    throw Error(gpu.info().text() + ": a step of " + counted(step.rows, "row") +
                    " is recorded, but not made ready: " + driver.textOf(made),
                "CUDA_LAUNCH_BLOCKING=1 in the environment runs steps without "
                "recording them");
  recorded.push_back(fresh);
  return fresh.graph;
}

} // namespace braid::rt::cuda
