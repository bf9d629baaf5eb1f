//===- CudaHeaderTest.cpp - what the runtime declares is what cuda.h says
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Built where cuda.h is installed. Types differ by name only: each parameter has
// to have the same size, and to be an address in both or in neither.
//===----------------------------------------------------------------------===//
#include "cuda/CudaApi.h"

#include <cuda.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace braid::rt::cuda {

template <typename A, typename B>
constexpr bool sameShape = sizeof(A) == sizeof(B) &&
                           std::is_pointer_v<A> == std::is_pointer_v<B>;

template <typename A, typename B> struct SameFunction : std::false_type {};
template <typename... A, typename... B>
struct SameFunction<CUresult (*)(A...), ::CUresult (*)(B...)>
    : std::bool_constant<[] {
        if constexpr (sizeof...(A) == sizeof...(B))
          return (sameShape<A, B> && ...);
        return false;
      }()> {};

// cuda.h makes the plain name a macro for the exported one.
#define TEXT_OF(x) #x
#define COMPARE(name, symbol, parameters)                                      \
  static_assert(                                                               \
      SameFunction<CUresult(*) parameters, decltype(&::name)>::value);         \
  static_assert(std::string_view(TEXT_OF(name)) == TEXT_OF(symbol));
BRAID_CUDA_FUNCTIONS(COMPARE)
#undef COMPARE

#define SAME(constant) static_assert(int(constant) == int(::constant))
SAME(CUDA_SUCCESS);
SAME(CUDA_ERROR_INVALID_VALUE);
SAME(CUDA_ERROR_OUT_OF_MEMORY);
SAME(CUDA_ERROR_NO_DEVICE);
SAME(CUDA_ERROR_INVALID_IMAGE);
SAME(CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
SAME(CUDA_ERROR_NOT_FOUND);
SAME(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
SAME(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED);
SAME(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
SAME(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME(CU_STREAM_NON_BLOCKING);
SAME(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
SAME(CU_JIT_ERROR_LOG_BUFFER);
SAME(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
SAME(CU_MEM_ALLOCATION_TYPE_PINNED);
SAME(CU_MEM_LOCATION_TYPE_DEVICE);
SAME(CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
SAME(CU_MEM_ALLOC_GRANULARITY_MINIMUM);
SAME(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
SAME(CU_TENSOR_MAP_INTERLEAVE_NONE);
SAME(CU_TENSOR_MAP_SWIZZLE_128B);
SAME(CU_TENSOR_MAP_L2_PROMOTION_L2_128B);
SAME(CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);

static_assert(sizeof(CUtensorMap) == sizeof(::CUtensorMap));
static_assert(alignof(CUtensorMap) >= alignof(::CUtensorMap));
static_assert(sizeof(CUmemLocation) == sizeof(::CUmemLocation));
static_assert(sizeof(CUmemAccessDesc) == sizeof(::CUmemAccessDesc));
static_assert(offsetof(CUmemAccessDesc, flags) ==
              offsetof(::CUmemAccessDesc, flags));
static_assert(sizeof(CUmemAllocationProp) == sizeof(::CUmemAllocationProp));
static_assert(offsetof(CUmemAllocationProp, location) ==
              offsetof(::CUmemAllocationProp, location));
static_assert(offsetof(CUmemAllocationProp, allocFlags) ==
              offsetof(::CUmemAllocationProp, allocFlags));

} // namespace braid::rt::cuda

TEST(CudaHeader, IsAsDeclared) {} // Comparing is compiling.
