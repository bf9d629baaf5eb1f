//===- CpuDevice.h - the step on the CPU's threads ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CPU_CPUDEVICE_H
#define BRAID_RT_SRC_CPU_CPUDEVICE_H

#include "core/Device.h"

namespace braid::rt {

class CpuDevice : public Device {
public:
  /// `reason`, if not empty, says why steps run here and not on a GPU.
  CpuDevice(const Manifest &manifest, const Code &code, ThreadPool &pool,
            bool profile, std::string reason);
  void run(braid_step &step, bool wantsLogits) override;
  std::string name() const override;
  std::vector<KernelProfile> *profile() override { return &services.profile; }
  std::vector<std::string> notes() const override;

private:
  /// What compiled code is given. `base` comes first: the code passes its
  /// address back.
  struct Services {
    braid_services base{};
    ThreadPool *pool = nullptr;
    std::vector<KernelProfile> profile; ///< Empty: do not measure.
  };
  static void parallelFor(const braid_services *self, braid_body_fn body,
                          void *captures, int64_t n, int64_t grain,
                          int64_t kernel);

  Services services;
  braid_step_fn stepFunction;
  std::string isa, reason;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CPU_CPUDEVICE_H
