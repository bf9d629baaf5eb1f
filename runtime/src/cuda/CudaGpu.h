//===- CudaGpu.h - a GPU in use -------------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDAGPU_H
#define BRAID_RT_SRC_CUDA_CUDAGPU_H

#include "CudaDriver.h"

#include <memory>
#include <mutex>

namespace braid::rt::cuda {

/// A context of a GPU and the one stream on which everything happens, one thing
/// after another. Whoever calls the driver holds a Turn.
class CudaGpu {
public:
  CudaGpu(std::unique_ptr<CudaDriver> driver, GpuInfo info);

  /// Nobody else uses the GPU, and its context is the thread's. May be nested.
  class Turn {
  public:
    explicit Turn(CudaGpu &gpu);

  private:
    std::lock_guard<std::recursive_mutex> lock;
  };

  const CudaDriver &driver() const { return *ownDriver; }
  const GpuInfo &info() const { return ownInfo; }
  CUstream stream() const { return ownStream.get(); }
  void wait(const std::string &what) const { ownStream.wait(what); }

  /// Makes the context the thread's. A failure shows in the call that follows.
  void enter() const { context.enter(); }

  /// Checks an attempt to get memory. Throws Error: needed and available bytes.
  void checkMemory(CUresult code, uint64_t bytes,
                   const std::string &what) const;

private:
  std::unique_ptr<CudaDriver> ownDriver;
  GpuInfo ownInfo;
  CudaContext context;
  CudaStream ownStream;
  std::recursive_mutex mutex;
};

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_CUDAGPU_H
