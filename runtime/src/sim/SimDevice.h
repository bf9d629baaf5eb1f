//===- SimDevice.h - the step on a simulated GPU --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_SIMDEVICE_H
#define BRAID_RT_SRC_SIM_SIMDEVICE_H

#include "Simulator.h"
#include "core/Device.h"

namespace braid::rt {

class SimDevice : public Device {
public:
  /// Throws Error if the target's kernels were compiled without --with-sim.
  SimDevice(const Artifact &artifact, const GpuCode &gpu, const Code &code);
  void run(braid_step &step, bool wantsLogits) override;
  std::string name() const override;

private:
  struct Services {
    braid_services base{};
    Simulator *simulator = nullptr;
  };
  Simulator simulator;
  Services services;
  braid_step_fn stepFunction;
  std::string target;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_SIMDEVICE_H
