//===- CpuDevice.cpp - the step on the CPU's threads ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CpuDevice.h"

#include <chrono>

namespace braid::rt {

void CpuDevice::parallelFor(const braid_services *self, braid_body_fn body,
                            void *captures, int64_t n, int64_t grain,
                            int64_t kernel) {
  auto *services =
      reinterpret_cast<Services *>(const_cast<braid_services *>(self));
  if (uint64_t(kernel) >= services->profile.size()) {
    services->pool->parallelFor(body, captures, n, grain);
    return;
  }
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  services->pool->parallelFor(body, captures, n, grain);
  KernelProfile &profile = services->profile[size_t(kernel)];
  profile.nanoseconds += uint64_t((Clock::now() - start).count());
  ++profile.calls;
}

CpuDevice::CpuDevice(const Manifest &manifest, const Code &code,
                     ThreadPool &pool, bool profile, std::string reason)
    : stepFunction(code.step(manifest.stepEntry)), isa(manifest.isa),
      reason(std::move(reason)) {
  services.base.parallel_for = parallelFor;
  services.pool = &pool;
  if (profile)
    services.profile.resize(manifest.kernels.size());
}

void CpuDevice::run(braid_step &step, bool) {
  step.services = &services.base;
  step.device = &step;
  stepFunction(&step);
}

std::vector<std::string> CpuDevice::notes() const {
  return reason.empty() ? std::vector<std::string>() : std::vector{reason};
}

std::string CpuDevice::name() const {
  int threads = services.pool->size();
  return "the CPU (" + isa + ") with " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

} // namespace braid::rt
