//===- CudaDevice.h - the step on an NVIDIA GPU ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One step: its fields and arrays go to the GPU in one copy, kernels follow on
// the same stream, logits come back in another copy. Nothing else crosses.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDADEVICE_H
#define BRAID_RT_SRC_CUDA_CUDADEVICE_H

#include "CudaGpu.h"
#include "CudaModule.h"
#include "StepGraphs.h"
#include "core/Device.h"

#include <deque>

namespace braid::rt {

/// A GPU, and code of the artefact for it. Nothing of the GPU is taken yet.
struct CudaChoice {
  /// Throws Error: no driver, no such GPU, no code for it.
  CudaChoice(const Artifact &artifact, int number, bool allowJit);

  std::unique_ptr<cuda::CudaDriver> driver;
  cuda::GpuInfo gpu;
  cuda::ChosenCode code;
};

class CudaDevice : public Device {
public:
  /// Throws Error: the GPU cannot be taken, refuses the code or lacks memory.
  CudaDevice(const Artifact &artifact, const Code &code,
             const EngineOptions &options, CudaChoice choice);
  ~CudaDevice() override;

  void run(braid_step &step, bool wantsLogits) override;
  std::string name() const override;
  std::vector<std::string> notes() const override;
  bool sharesMemory() const override { return false; }
  void expect(const MemoryPlan &plan) override { gpu.expect(plan); }
  std::unique_ptr<DeviceMemory> allocate(uint64_t bytes,
                                         const std::string &what,
                                         Backing backing) override;
  void copyIn(std::byte *to, const void *from, uint64_t bytes) override;
  void copyOut(void *to, const std::byte *from, uint64_t bytes) override;
  void copy(std::byte *to, const std::byte *from, uint64_t bytes) override;

private:
  /// `base` comes first: compiled code passes its address back.
  struct Services {
    braid_services base{};
    CudaDevice *device = nullptr;
  };
  /// Where the step's parts lie in `block`, and in what of it is pinned.
  struct Places {
    Places(int64_t maxRows, int64_t maxSequences);
    uint64_t rowBegin, position, slot, ids, outputRows, temperatures, keys, end;
    uint64_t chosen, all; ///< What comes back; the end of everything.
  };

  void backResults(const braid_step &step);
  braid_step &stage(const braid_step &step);
  void launchAll(const braid_step &own);
  void launch(const braid_launch &launch);
  cuda::CUresult gather(const braid_launch &launch);
  void fetch(const braid_step &step, bool wantsLogits);
  /// Throws Error for what a launch or a wait has said.
  void requireStep(const braid_step &step, cuda::CUresult code) const;
  uint64_t hiddenBytes(const braid_step &step) const;

  const Manifest &manifest;
  const GpuCode &gpuCode;
  bool jit, blocking;
  braid_step_fn stepFunction;
  cuda::CudaGpu gpu;
  cuda::CudaModule module;
  cuda::StepGraphs graphs;
  Places places;
  int64_t pinnedRows; ///< Of logits.
  cuda::PinnedMemory pinned; ///< The block's twin, then logits.
  std::unique_ptr<DeviceMemory> block, logits, hidden;
  Services services;
  int64_t layer = -1;
  std::string fault; ///< The first launch of the step that was refused.
  // Of the launch that is being made.
  std::vector<void *> parameters;
  std::deque<cuda::CUtensorMap> maps; ///< Stay in place.
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CUDA_CUDADEVICE_H
