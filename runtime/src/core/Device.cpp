//===- Device.cpp - chooses where the compiled step runs ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Device.h"
#include "braid-rt/error.h"
#include "cpu/CpuDevice.h"
#include "sim/SimDevice.h"

namespace braid::rt {

/// The artefact's code for a target; for the first, if none is named.
static const GpuCode &gpuCode(const Artifact &artifact,
                              const std::string &target) {
  std::string list;
  for (const GpuCode &gpu : artifact.manifest.gpus) {
    if (target.empty() || target == gpu.target)
      return gpu;
    list += (list.empty() ? "" : ", ") + gpu.target;
  }
  if (list.empty())
    throw Error(artifact.path + ": has no code for a GPU",
                "compile the model with --target=sm_90a --with-sim (or "
                "another GPU)");
  throw Error(artifact.path + ": has no code for '" + target + "', only for " +
                  list,
              "--device=sim:TARGET names one of them; compile the model with "
              "--target=" + target + " --with-sim to have this one");
}

std::unique_ptr<Device> openDevice(const Artifact &artifact, const Code &code,
                                   ThreadPool &pool,
                                   const EngineOptions &options) {
  const std::string &name = options.device;
  if (name.empty() || name == "auto" || name == "cpu")
    return std::make_unique<CpuDevice>(artifact.manifest, code, pool,
                                       options.profile);
  if (name == "sim" || name.starts_with("sim:"))
    return std::make_unique<SimDevice>(
        artifact, gpuCode(artifact, name.size() > 4 ? name.substr(4) : ""),
        code);
  if (name == "cuda" || name.starts_with("cuda:"))
    throw Error("--device=" + name + ": this runtime does not drive GPUs yet",
                "--device=sim runs the same kernels on the CPU, slowly");
  throw Error("--device: expected auto, cpu, sim or sim:TARGET, found '" +
              name + "'");
}

} // namespace braid::rt
