//===- Device.h - where the compiled step runs ----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_DEVICE_H
#define BRAID_RT_SRC_CORE_DEVICE_H

#include "Code.h"
#include "braid-rt/session.h"
#include "cpu/ThreadPool.h"

#include <memory>

namespace braid::rt {

class Device {
public:
  virtual ~Device() = default;
  /// Runs the step to its end. All fields are set but `services` and `device`,
  /// which are the device's to fill in. Throws Error if a kernel fails.
  virtual void run(braid_step &step) = 0;
  /// For people: "the CPU (avx512) with 2 threads".
  virtual std::string name() const = 0;
  /// Times of kernels, if they are measured.
  virtual std::vector<KernelProfile> *profile() { return nullptr; }
};

/// The device that options.device names. `code` and `pool` have to outlive it.
/// Throws Error: no such device, or no code for it in the artefact.
std::unique_ptr<Device> openDevice(const Artifact &artifact, const Code &code,
                                   ThreadPool &pool,
                                   const EngineOptions &options);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_DEVICE_H
