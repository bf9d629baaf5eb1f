//===- StepGraphs.h - recorded steps --------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_STEPGRAPHS_H
#define BRAID_RT_SRC_CUDA_STEPGRAPHS_H

#include "CudaGpu.h"
#include "braid-rt/abi.h"

#include <functional>
#include <vector>

namespace braid::rt::cuda {

/// CUDA graphs of steps. Two steps launch the same kernels, with the same grids
/// and parameters, if they have the same pools and as many rows, sequences and
/// outputs: what else differs lies in the GPU's memory (docs/ABI.md). The host
/// code of a step therefore runs once for each such class.
class StepGraphs {
public:
  /// `pools`: entries of a step's table.
  StepGraphs(CudaGpu &gpu, size_t pools) : gpu(gpu), pools(pools) {}
  StepGraphs(const StepGraphs &) = delete;
  StepGraphs &operator=(const StepGraphs &) = delete;
  ~StepGraphs() { clear(); }

  /// Null if the step's class has not been recorded.
  CUgraphExec find(const braid_step &step) const;
  /// Records what `launches` puts on the stream; it returns whether all of it
  /// went well. Null if not: then nothing was recorded.
  CUgraphExec record(const braid_step &step,
                     const std::function<bool()> &launches);

private:
  /// Those of sessions that are gone stay until there are so many.
  static constexpr size_t kMost = 64;
  struct Recorded {
    int64_t rows, sequences, outputs;
    std::vector<void *> pools;
    CUgraphExec graph;
  };
  void clear();
  CUgraph capture(const std::function<bool()> &launches) const;

  CudaGpu &gpu;
  size_t pools;
  std::vector<Recorded> recorded;
};

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_STEPGRAPHS_H
