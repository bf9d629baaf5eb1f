//===- CudaDriver.cpp - the driver, and one of its GPUs -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaDriver.h"
#include "braid-rt/error.h"

#include <cstdlib>
#include <dlfcn.h>

namespace braid::rt::cuda {

static const char *libraryName() {
  const char *given = std::getenv("BRAID_CUDA_LIBRARY");
  return given && *given ? given : "libcuda.so.1";
}

static void *openLibrary() {
  void *handle = dlopen(libraryName(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw Error(std::string("there is no NVIDIA driver: ") + dlerror(),
                "install the driver, in a container start it with the GPUs, "
                "or run with --device=cpu");
  return handle;
}

template <typename Function>
static void find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (!function)
    throw Error(std::string("the NVIDIA driver is too old: ") + libraryName() +
                    " has no function " + name,
                "install a driver for CUDA 12.0 or later");
}

/// What to do about a driver that does not start.
static std::string startHint(CUresult code) {
  if (code == CUDA_ERROR_NO_DEVICE)
    return "nvidia-smi lists the GPUs; CUDA_VISIBLE_DEVICES may hide them; "
           "--device=cpu runs without";
  if (code == CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)
    return "the driver was updated while its kernel module stayed: reboot";
  return "nvidia-smi may say more; --device=cpu runs without";
}

CudaDriver::CudaDriver() {
  void *library = openLibrary();
#define BRAID_CUDA_FIND(name, symbol, parameters) find(library, #symbol, name);
  BRAID_CUDA_FUNCTIONS(BRAID_CUDA_FIND)
#undef BRAID_CUDA_FIND
  if (CUresult code = cuInit(0))
    throw Error(code == CUDA_ERROR_NO_DEVICE
                    ? "there is no NVIDIA GPU"
                    : "the NVIDIA driver does not start: " + textOf(code),
                startHint(code));
  check(cuDriverGetVersion(&version), "asking for the driver's version");
  check(cuDeviceGetCount(&gpus), "counting GPUs");
  if (gpus == 0)
    throw Error("there is no NVIDIA GPU", startHint(CUDA_ERROR_NO_DEVICE));
}

std::string CudaDriver::textOf(CUresult code) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(code, &name) || !name)
    return "CUDA error " + std::to_string(code);
  if (cuGetErrorString(code, &text) || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}

void CudaDriver::check(CUresult code, const std::string &what) const {
  if (code)
    throw Error(what + ": " + textOf(code));
}

std::string GpuInfo::text() const {
  return "GPU " + std::to_string(number) + ", " + name +
         " (compute capability " + std::to_string(major) + "." +
         std::to_string(minor) + ")";
}

GpuInfo describeGpu(const CudaDriver &driver, int number) {
  if (number >= driver.gpus)
    throw Error("there is no GPU " + std::to_string(number) + ", only " +
                    std::to_string(driver.gpus) + (driver.gpus == 1 ? " GPU"
                                                                    : " GPUs"),
                "they are numbered from 0");
  GpuInfo gpu;
  gpu.number = number;
  std::string what = "asking about GPU " + std::to_string(number);
  driver.check(driver.cuDeviceGet(&gpu.device, number), what);
  char name[256] = {};
  driver.check(driver.cuDeviceGetName(name, sizeof(name) - 1, gpu.device),
               what);
  gpu.name = name;
  auto attribute = [&](int which) {
    int value = 0;
    driver.check(driver.cuDeviceGetAttribute(&value, which, gpu.device), what);
    return value;
  };
  gpu.major = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  gpu.minor = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  gpu.sharedBytes =
      attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  gpu.reservesAddresses =
      attribute(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED);
  return gpu;
}

//===----------------------------------------------------------------------===//
// What has to be given back. Errors of giving back are ignored: the one that
// led there has been told, and nothing can be done about another.
//===----------------------------------------------------------------------===//

CudaContext::CudaContext(const CudaDriver &driver, const GpuInfo &gpu)
    : driver(driver), device(gpu.device) {
  driver.check(driver.cuDevicePrimaryCtxRetain(&context, device),
               "taking " + gpu.text());
  if (CUresult code = driver.cuCtxSetCurrent(context)) {
    driver.cuDevicePrimaryCtxRelease(device);
    driver.check(code, "taking " + gpu.text());
  }
}

CudaContext::~CudaContext() {
  driver.cuCtxSetCurrent(nullptr);
  driver.cuDevicePrimaryCtxRelease(device);
}

CUresult CudaContext::enter() const { return driver.cuCtxSetCurrent(context); }

CudaStream::CudaStream(const CudaDriver &driver) : driver(driver) {
  driver.check(driver.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING),
               "making a stream");
}
CudaStream::~CudaStream() { driver.cuStreamDestroy(stream); }
void CudaStream::wait(const std::string &what) const {
  driver.check(driver.cuStreamSynchronize(stream), what);
}

PinnedMemory::PinnedMemory(const CudaDriver &driver, uint64_t bytes)
    : driver(driver) {
  driver.check(driver.cuMemHostAlloc(&address, bytes, 0),
               "pinning " + std::to_string(bytes) + " bytes of host memory");
}
PinnedMemory::~PinnedMemory() { driver.cuMemFreeHost(address); }

} // namespace braid::rt::cuda
