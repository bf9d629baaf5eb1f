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

#include <cstddef>
#include <memory>

namespace braid::rt {

/// Memory that compiled code works on: zero until written, aligned to
/// BRAID_ALIGNMENT. The host follows `data` only where Device::sharesMemory;
/// elsewhere it is a number to calculate with. Must go before its device.
class DeviceMemory {
public:
  virtual ~DeviceMemory() = default;
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  std::byte *data() const { return address; }
  uint64_t bytes() const { return length; }
  /// Puts memory behind [offset, offset + bytes), where there is none yet.
  /// REQUIRES: within bytes(); nobody uses the range during the call. Throws
  /// Error: out of memory.
  virtual void back(uint64_t offset, uint64_t bytes) {
    (void)offset, (void)bytes;
  }

protected:
  DeviceMemory() = default;
  std::byte *address = nullptr;
  uint64_t length = 0;
};

/// Whether memory is there at once, or `back` has to be called before use.
enum class Backing { Whole, AsNeeded };

/// What an engine will ask a device's memory for: weights and activations at
/// once, state of each sequence as it grows, logits of the rows that want them.
struct MemoryPlan {
  uint64_t weights, activations;
  uint64_t state, logits; ///< At most: they grow with what is asked for.
  int64_t sequences, context;

  /// For people: "planned are weights 60.1 GiB, ...".
  std::string text() const;
};

/// Where steps run, and whose memory they run on. What is said here of host
/// memory holds for every device; a device that shares it overrides nothing
/// but `run` and `name`. `allocate` and the copies may be called by several
/// threads, `run` by one at a time.
class Device {
public:
  virtual ~Device() = default;
  /// Runs the step to its end. `arena` and the tables' entries are the device's
  /// memory, every other address is the host's. `services` and `device` are
  /// filled in here. Logits that nobody wants may stay where they are computed.
  /// Throws Error if a kernel fails.
  virtual void run(braid_step &step, bool wantsLogits) = 0;
  /// For people: "the CPU (avx512) with 2 threads".
  virtual std::string name() const = 0;
  /// Times of kernels, if they are measured.
  virtual std::vector<KernelProfile> *profile() { return nullptr; }
  /// What was decided on the way that people should know, a line each.
  virtual std::vector<std::string> notes() const { return {}; }

  virtual bool sharesMemory() const { return true; }
  /// Comes before all that is planned. Throws Error if what is needed
  /// at once does not fit: said before minutes are spent on preparing it.
  virtual void expect(const MemoryPlan &plan) { (void)plan; }
  /// Throws Error naming `what`: out of memory, or out of addresses.
  virtual std::unique_ptr<DeviceMemory>
  allocate(uint64_t bytes, const std::string &what, Backing backing);
  /// From the host, to the host, and within the device. Each is done on return.
  virtual void copyIn(std::byte *to, const void *from, uint64_t bytes);
  virtual void copyOut(void *to, const std::byte *from, uint64_t bytes);
  virtual void copy(std::byte *to, const std::byte *from, uint64_t bytes);
};

/// The device that options.device names. `code` and `pool` have to outlive it.
/// Throws Error: no such device, or no code for it in the artefact.
std::unique_ptr<Device> openDevice(const Artifact &artifact, const Code &code,
                                   ThreadPool &pool,
                                   const EngineOptions &options);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_DEVICE_H
