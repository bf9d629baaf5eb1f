//===- CudaGpu.h - a GPU in use -------------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDAGPU_H
#define BRAID_RT_SRC_CUDA_CUDAGPU_H

#include "CudaDriver.h"
#include "core/Device.h"

#include <memory>
#include <mutex>
#include <new>

namespace braid::rt::cuda {

/// A context of a GPU and the one stream on which everything happens, one thing
/// after another. Whoever calls the driver holds a Turn.
class CudaGpu {
public:
  CudaGpu(std::unique_ptr<CudaDriver> driver, GpuInfo info);

  /// Nobody else uses the GPU, and its context is the thread's. May be nested.
  class Turn {
  public:
    /// Throws Error if the context cannot be entered.
    explicit Turn(CudaGpu &gpu);
    /// For destructors: then nothing can be given back.
    Turn(CudaGpu &gpu, std::nothrow_t);

  private:
    std::lock_guard<std::recursive_mutex> lock;
  };

  const CudaDriver &driver() const { return *ownDriver; }
  const GpuInfo &info() const { return ownInfo; }
  CUstream stream() const { return ownStream.get(); }
  void wait(const std::string &what) const { ownStream.wait(what); }

  /// Says in errors what else is planned. Throws Error if that cannot fit.
  void expect(const MemoryPlan &plan);
  /// Checks an attempt to get memory. Throws Error: needed and available bytes.
  void checkMemory(CUresult code, uint64_t bytes,
                   const std::string &what) const;

private:
  [[noreturn]] void lacks(uint64_t bytes, const std::string &what) const;

  std::unique_ptr<CudaDriver> ownDriver;
  GpuInfo ownInfo;
  CudaContext context;
  CudaStream ownStream;
  std::recursive_mutex mutex;
  std::string plan; ///< For errors.
};

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_CUDAGPU_H
