//===- CudaApi.h - what the runtime uses of the CUDA driver ---------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Declared here so that nothing of CUDA is needed to build the runtime. Names,
// numbers and signatures are those of cuda.h, CUDA 12.0 to 13.0 ("CUDA Driver
// API", docs.nvidia.com/cuda/cuda-driver-api); where that header is installed a
// test compares the two. The second name of a function is the one that
// libcuda.so.1 exports: cuda.h maps its own names to these versions.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDAAPI_H
#define BRAID_RT_SRC_CUDA_CUDAAPI_H

#include <cstddef>
#include <cstdint>

namespace braid::rt::cuda {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUmemGenericAllocationHandle = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUstream = struct CUstream_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphExec = struct CUgraphExec_st *;

enum : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803,

  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED = 102,

  CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,

  CU_STREAM_NON_BLOCKING = 1,
  CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,

  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,

  CU_MEM_ALLOCATION_TYPE_PINNED = 1,
  CU_MEM_LOCATION_TYPE_DEVICE = 1,
  CU_MEM_ACCESS_FLAGS_PROT_READWRITE = 3,
  CU_MEM_ALLOC_GRANULARITY_MINIMUM = 0,

  CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9,
  CU_TENSOR_MAP_INTERLEAVE_NONE = 0,
  CU_TENSOR_MAP_SWIZZLE_128B = 3,
  CU_TENSOR_MAP_L2_PROMOTION_L2_128B = 2,
  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0,
};

struct alignas(128) CUtensorMap {
  uint64_t opaque[16];
};

struct CUmemLocation {
  int type, id;
};
struct CUmemAllocationProp {
  int type, requestedHandleTypes;
  CUmemLocation location;
  void *win32HandleMetaData;
  struct {
    unsigned char compressionType, gpuDirectRDMACapable;
    unsigned short usage;
    unsigned char reserved[4];
  } allocFlags;
};
struct CUmemAccessDesc {
  CUmemLocation location;
  int flags;
};

// F(name, exported name, parameters)
#define BRAID_CUDA_FUNCTIONS(F)                                                \
  F(cuInit, cuInit, (unsigned))                                                \
  F(cuDriverGetVersion, cuDriverGetVersion, (int *))                           \
  F(cuGetErrorName, cuGetErrorName, (CUresult, const char **))                 \
  F(cuGetErrorString, cuGetErrorString, (CUresult, const char **))             \
  F(cuDeviceGetCount, cuDeviceGetCount, (int *))                               \
  F(cuDeviceGet, cuDeviceGet, (CUdevice *, int))                               \
  F(cuDeviceGetName, cuDeviceGetName, (char *, int, CUdevice))                 \
  F(cuDeviceGetAttribute, cuDeviceGetAttribute, (int *, int, CUdevice))        \
  F(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain,                        \
    (CUcontext *, CUdevice))                                                   \
  F(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (CUdevice))       \
  F(cuCtxSetCurrent, cuCtxSetCurrent, (CUcontext))                             \
  F(cuMemGetInfo, cuMemGetInfo_v2, (size_t *, size_t *))                       \
  F(cuMemAlloc, cuMemAlloc_v2, (CUdeviceptr *, size_t))                        \
  F(cuMemFree, cuMemFree_v2, (CUdeviceptr))                                    \
  F(cuMemHostAlloc, cuMemHostAlloc, (void **, size_t, unsigned))               \
  F(cuMemFreeHost, cuMemFreeHost, (void *))                                    \
  F(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2,                                   \
    (CUdeviceptr, const void *, size_t, CUstream))                             \
  F(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2,                                   \
    (void *, CUdeviceptr, size_t, CUstream))                                   \
  F(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                                   \
    (CUdeviceptr, CUdeviceptr, size_t, CUstream))                              \
  F(cuMemsetD8Async, cuMemsetD8Async,                                          \
    (CUdeviceptr, unsigned char, size_t, CUstream))                            \
  F(cuMemAddressReserve, cuMemAddressReserve,                                  \
    (CUdeviceptr *, size_t, size_t, CUdeviceptr, unsigned long long))          \
  F(cuMemAddressFree, cuMemAddressFree, (CUdeviceptr, size_t))                 \
  F(cuMemGetAllocationGranularity, cuMemGetAllocationGranularity,              \
    (size_t *, const CUmemAllocationProp *, int))                              \
  F(cuMemCreate, cuMemCreate,                                                  \
    (CUmemGenericAllocationHandle *, size_t, const CUmemAllocationProp *,      \
     unsigned long long))                                                      \
  F(cuMemRelease, cuMemRelease, (CUmemGenericAllocationHandle))                \
  F(cuMemMap, cuMemMap,                                                        \
    (CUdeviceptr, size_t, size_t, CUmemGenericAllocationHandle,                \
     unsigned long long))                                                      \
  F(cuMemUnmap, cuMemUnmap, (CUdeviceptr, size_t))                             \
  F(cuMemSetAccess, cuMemSetAccess,                                            \
    (CUdeviceptr, size_t, const CUmemAccessDesc *, size_t))                    \
  F(cuModuleLoadDataEx, cuModuleLoadDataEx,                                    \
    (CUmodule *, const void *, unsigned, int *, void **))                      \
  F(cuModuleUnload, cuModuleUnload, (CUmodule))                                \
  F(cuModuleGetFunction, cuModuleGetFunction,                                  \
    (CUfunction *, CUmodule, const char *))                                    \
  F(cuFuncGetAttribute, cuFuncGetAttribute, (int *, int, CUfunction))          \
  F(cuFuncSetAttribute, cuFuncSetAttribute, (CUfunction, int, int))            \
  F(cuStreamCreate, cuStreamCreate, (CUstream *, unsigned))                    \
  F(cuStreamDestroy, cuStreamDestroy_v2, (CUstream))                           \
  F(cuStreamSynchronize, cuStreamSynchronize, (CUstream))                      \
  F(cuStreamBeginCapture, cuStreamBeginCapture_v2, (CUstream, int))            \
  F(cuStreamEndCapture, cuStreamEndCapture, (CUstream, CUgraph *))             \
  F(cuGraphInstantiate, cuGraphInstantiateWithFlags,                           \
    (CUgraphExec *, CUgraph, unsigned long long))                              \
  F(cuGraphLaunch, cuGraphLaunch, (CUgraphExec, CUstream))                     \
  F(cuGraphExecDestroy, cuGraphExecDestroy, (CUgraphExec))                     \
  F(cuGraphDestroy, cuGraphDestroy, (CUgraph))                                 \
  F(cuTensorMapEncodeTiled, cuTensorMapEncodeTiled,                            \
    (CUtensorMap *, int, uint32_t, void *, const uint64_t *, const uint64_t *, \
     const uint32_t *, const uint32_t *, int, int, int, int))                  \
  F(cuLaunchKernel, cuLaunchKernel,                                            \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,   \
     unsigned, CUstream, void **, void **))

/// The functions of a driver.
struct CudaApi {
#define BRAID_CUDA_MEMBER(name, symbol, parameters)                            \
  CUresult(*name) parameters = nullptr;
  BRAID_CUDA_FUNCTIONS(BRAID_CUDA_MEMBER)
#undef BRAID_CUDA_MEMBER
};

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_CUDAAPI_H
