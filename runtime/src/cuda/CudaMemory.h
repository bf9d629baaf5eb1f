//===- CudaMemory.h - memory of a GPU -------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDAMEMORY_H
#define BRAID_RT_SRC_CUDA_CUDAMEMORY_H

#include "CudaGpu.h"
#include "core/Device.h"

namespace braid::rt::cuda {

inline CUdeviceptr addressOf(const std::byte *data) {
  return reinterpret_cast<CUdeviceptr>(data);
}

/// All of it at once.
std::unique_ptr<DeviceMemory> allocateWhole(CudaGpu &gpu, uint64_t bytes,
                                            const std::string &what);

/// Addresses, which get memory where DeviceMemory::back asks for it, in pieces
/// of the driver's granularity (2 MiB on GPUs of today). REQUIRES:
/// gpu.info().reservesAddresses.
std::unique_ptr<DeviceMemory> reserveAddresses(CudaGpu &gpu, uint64_t bytes,
                                               const std::string &what);

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_CUDAMEMORY_H
