//===- CudaGpu.cpp - a GPU in use -----------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaGpu.h"
#include "braid-rt/error.h"
#include "core/SizeText.h"

namespace braid::rt::cuda {

CudaGpu::CudaGpu(std::unique_ptr<CudaDriver> driver, GpuInfo info)
    : ownDriver(std::move(driver)), ownInfo(std::move(info)),
      context(*ownDriver, ownInfo), ownStream(*ownDriver) {}

CudaGpu::Turn::Turn(CudaGpu &gpu) : lock(gpu.mutex) {
  gpu.driver().check(gpu.context.enter(), "entering the GPU's context");
}
CudaGpu::Turn::Turn(CudaGpu &gpu, std::nothrow_t) : lock(gpu.mutex) {
  gpu.context.enter();
}

void CudaGpu::checkMemory(CUresult code, uint64_t bytes,
                          const std::string &what) const {
  if (code != CUDA_ERROR_OUT_OF_MEMORY)
    return driver().check(code, what);
  lacks(bytes, what);
}

void CudaGpu::expect(const MemoryPlan &memory) {
  Turn turn(*this);
  plan = "; " + memory.text();
  // Without reserved addresses, all of it is taken at once.
  bool grows = ownInfo.reservesAddresses;
  uint64_t atOnce = memory.weights + memory.activations +
                    (grows ? 0 : memory.state + memory.logits);
  size_t free = 0, total = 0;
  if (driver().cuMemGetInfo(&free, &total))
    return;
  if (memory.weights > total)
    throw Error("out of memory on " + ownInfo.text() + ": weights take " +
                    sizeText(memory.weights) + " of its " + sizeText(total),
                "a checkpoint in FP8 or NVFP4 takes a half or a quarter of "
                "BF16's memory; braid plan says what fits; --device=cpu runs "
                "without a GPU");
  if (atOnce > free)
    lacks(atOnce, grows ? "weights and activations"
                        : "weights, activations, state and logits");
}

void CudaGpu::lacks(uint64_t bytes, const std::string &what) const {
  size_t free = 0, total = 0;
  std::string available = "how much is free is not known";
  if (!driver().cuMemGetInfo(&free, &total))
    available = sizeText(free) + " of " + sizeText(total) + " are free";
  throw Error("out of memory on " + ownInfo.text() + ": " + what + ": " +
                  sizeText(bytes) + " needed, " + available + plan,
              "nvidia-smi lists who uses the rest; a smaller --context or "
              "--max-sequences needs less; --device=cpu runs without a GPU");
}

} // namespace braid::rt::cuda
