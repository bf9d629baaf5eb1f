//===- SimDevice.cpp - the step on a simulated GPU ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SimDevice.h"
#include "braid-rt/error.h"

namespace braid::rt {

static std::vector<SimKernel> kernelsOf(const Artifact &artifact,
                                        const GpuCode &gpu, const Code &code) {
  std::vector<SimKernel> kernels;
  for (const GpuKernel &kernel : gpu.kernels) {
    if (kernel.sim.empty())
      throw Error(artifact.path + ": its code for " + gpu.target +
                      " cannot be simulated",
                  "compile the model with --with-sim");
    kernels.push_back({kernel.name, code.sim(kernel.sim), kernel.threads,
                       kernel.sharedBytes});
  }
  return kernels;
}

SimDevice::SimDevice(const Artifact &artifact, const GpuCode &gpu,
                     const Code &code)
    : simulator(kernelsOf(artifact, gpu, code)),
      stepFunction(code.step(gpu.entry)), target(gpu.target) {
  services.base.launch = [](const braid_services *self,
                            const braid_launch *launch) {
    reinterpret_cast<const Services *>(self)->simulator->launch(*launch);
  };
  services.base.layer = [](const braid_services *self, int64_t layer) {
    reinterpret_cast<const Services *>(self)->simulator->enterLayer(layer);
  };
  services.simulator = &simulator;
}

void SimDevice::run(braid_step &step, bool) {
  step.services = &services.base;
  step.device = &step;
  simulator.begin(step);
  stepFunction(&step);
  simulator.end();
}

std::string SimDevice::name() const { return "a simulated GPU (" + target + ")"; }

} // namespace braid::rt
