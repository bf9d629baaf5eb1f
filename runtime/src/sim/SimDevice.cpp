//===- SimDevice.cpp - the step on a simulated GPU ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SimDevice.h"
#include "braid-rt/error.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

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

/// Of random moments: the environment's, so that a run can try others.
static uint32_t seedOfMoments() {
  const char *text = std::getenv("BRAID_SIM_SEED");
  if (!text)
    return 1;
  uint32_t seed = 0;
  const char *end = text + std::strlen(text);
  auto [last, error] = std::from_chars(text, end, seed);
  if (error != std::errc() || last != end)
    throw Error(std::string("BRAID_SIM_SEED: expected a number from 0 to "
                            "4294967295, found '") + text + "'");
  return seed;
}

SimDevice::SimDevice(const Artifact &artifact, const GpuCode &gpu,
                     const Code &code)
    : gpu(gpu), simulator(kernelsOf(artifact, gpu, code), seedOfMoments()),
      stepFunction(code.step(gpu.entry)) {
  services.base.launch = [](const braid_services *self,
                            const braid_launch *launch) {
    reinterpret_cast<const Services *>(self)->simulator->launch(*launch);
  };
  services.base.layer = [](const braid_services *self, int64_t layer) {
    reinterpret_cast<const Services *>(self)->simulator->enterLayer(layer);
  };
  services.simulator = &simulator;
}

SimDevice::~SimDevice() {
  const char *path = std::getenv("BRAID_SIM_KERNELS");
  if (!path)
    return;
  std::ofstream file(path, std::ios::app);
  for (size_t i = 0; i < gpu.kernels.size(); ++i)
    if (uint64_t blocks = simulator.blocksRun()[i])
      file << gpu.kernels[i].name << " " << blocks << "\n";
}

void SimDevice::run(braid_step &step, bool) {
  step.services = &services.base;
  step.device = &step;
  simulator.begin(step);
  stepFunction(&step);
  simulator.end();
}

std::string SimDevice::name() const { return "a simulated GPU (" + gpu.target + ")"; }

} // namespace braid::rt
