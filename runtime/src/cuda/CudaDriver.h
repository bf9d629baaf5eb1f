//===- CudaDriver.h - the driver, and one of its GPUs ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDADRIVER_H
#define BRAID_RT_SRC_CUDA_CUDADRIVER_H

#include "CudaApi.h"

#include <string>

namespace braid::rt::cuda {

/// The loaded driver. It is never unloaded: it keeps threads of its own.
struct CudaDriver : CudaApi {
  /// Opens libcuda.so.1, or what the environment's BRAID_CUDA_LIBRARY names
  /// (for tests). Throws Error: no driver, one without a function that is
  /// needed, one that does not start, no GPU.
  CudaDriver();

  /// Throws Error: what was done, and the driver's name and text of the code.
  void check(CUresult code, const std::string &what) const;
  /// "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)".
  std::string textOf(CUresult code) const;

  int version = 0; ///< Of CUDA: 1000 * major + 10 * minor.
  int gpus = 0;
};

/// A GPU as a person and a compiler know it.
struct GpuInfo {
  int number = 0;
  CUdevice device = 0;
  std::string name;
  int major = 0, minor = 0; ///< Compute capability.
  int64_t sharedBytes = 0;  ///< That a block can have.
  bool reservesAddresses = false;

  /// "GPU 0, NVIDIA H100 (compute capability 9.0)".
  std::string text() const;
};

/// Throws Error: there is no GPU of that number.
GpuInfo describeGpu(const CudaDriver &driver, int number);

/// The GPU's primary context, which is held while this lives. `enter` makes it
/// the calling thread's.
class CudaContext {
public:
  CudaContext(const CudaDriver &driver, const GpuInfo &gpu);
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;
  ~CudaContext();
  CUresult enter() const;

private:
  const CudaDriver &driver;
  CUdevice device;
  CUcontext context = nullptr;
};

/// A queue that waits for no other.
class CudaStream {
public:
  explicit CudaStream(const CudaDriver &driver);
  CudaStream(const CudaStream &) = delete;
  CudaStream &operator=(const CudaStream &) = delete;
  ~CudaStream();
  CUstream get() const { return stream; }
  /// Throws Error if anything before has failed.
  void wait(const std::string &what) const;

private:
  const CudaDriver &driver;
  CUstream stream = nullptr;
};

/// Host memory that the GPU reads without the driver's help.
class PinnedMemory {
public:
  PinnedMemory(const CudaDriver &driver, uint64_t bytes);
  PinnedMemory(const PinnedMemory &) = delete;
  PinnedMemory &operator=(const PinnedMemory &) = delete;
  ~PinnedMemory();
  std::byte *data() const { return static_cast<std::byte *>(address); }

private:
  const CudaDriver &driver;
  void *address = nullptr;
};

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_CUDADRIVER_H
