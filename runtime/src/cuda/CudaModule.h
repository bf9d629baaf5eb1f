//===- CudaModule.h - an artefact's kernels on a GPU ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_CUDAMODULE_H
#define BRAID_RT_SRC_CUDA_CUDAMODULE_H

#include "CudaDriver.h"
#include "braid-rt/artifact.h"

#include <memory>
#include <type_traits>
#include <vector>

namespace braid::rt::cuda {

/// The code of an artefact that suits a GPU: machine code, or if `allowJit`
/// PTX that the driver compiles. Throws Error: there is none, with the command
/// that makes it; the driver is too old for it.
struct ChosenCode {
  const GpuCode *code;
  bool jit;
};
ChosenCode chooseCode(const Artifact &artifact, const CudaDriver &driver,
                      const GpuInfo &gpu, bool allowJit);

/// Kernels, ready to be launched: each assembled one is a module of its own, PTX
/// is one of all. REQUIRES: a context that is current while this is made and
/// goes.
class CudaModule {
public:
  /// Throws Error: the driver refuses the code; a kernel is missing or needs
  /// more shared memory or threads than the GPU has.
  CudaModule(const Artifact &artifact, const CudaDriver &driver,
             const GpuInfo &gpu, ChosenCode chosen);

  /// By its number in the manifest.
  CUfunction function(int64_t kernel) const {
    return functions[size_t(kernel)];
  }

private:
  struct Unload {
    const CudaDriver &driver;
    void operator()(CUmodule module) const { driver.cuModuleUnload(module); }
  };
  using Module = std::unique_ptr<std::remove_pointer_t<CUmodule>, Unload>;

  void load(const Artifact &artifact, ChosenCode chosen,
            const std::string &whose, const std::string &image);
  CUfunction prepare(const GpuKernel &kernel, CUmodule module,
                     const GpuInfo &gpu) const;

  const CudaDriver &driver;
  std::vector<Module> modules;
  std::vector<CUfunction> functions;
};

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_CUDAMODULE_H
