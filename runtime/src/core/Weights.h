//===- Weights.h - the weight table of a loaded artefact ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_WEIGHTS_H
#define BRAID_RT_SRC_CORE_WEIGHTS_H

#include "Code.h"
#include "Device.h"
#include "Region.h"
#include "braid-rt/weights.h"
#include "cpu/ThreadPool.h"

#include <optional>
#include <vector>

namespace braid::rt {

/// The packed weights in memory, and the table that a step is given.
class Weights {
public:
  /// Maps the packed file, its header checked against the manifest.
  static Weights mapped(const Artifact &artifact,
                        const std::string &weightsDir);
  /// Prepares them from the checkpoint into memory of this process.
  static Weights linked(const Artifact &artifact, const Code &code,
                        const std::string &weightsDir, ThreadPool &pool,
                        const Progress &progress);
  /// Prepares them from numbers that follow from `seed`.
  static Weights synthetic(const Artifact &artifact, const Code &code,
                           uint64_t seed, ThreadPool &pool,
                           const Progress &progress);

  /// Copies them to memory of a device; what they took of the host's is given
  /// back. REQUIRES: place->bytes() == bytes(). The device has to outlive them.
  void moveTo(Device &device, std::unique_ptr<DeviceMemory> place,
              const Progress &progress);

  const void *const *table() const { return entries.data(); }
  uint64_t bytes() const { return length; }
  /// False if the pages belong to a file and cost no memory of their own.
  bool inMemory() const { return owned; }
  const std::string &where() const { return source; }

private:
  Weights(const WeightPlan &plan, Region region, bool owned,
          std::string source);

  void fillTable(const std::byte *base);

  const WeightPlan *plan; ///< The artefact's.
  Region region;
  std::unique_ptr<DeviceMemory> memory; ///< In place of `region`, if there.
  uint64_t length;
  bool owned;
  std::string source;
  std::vector<const void *> entries;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_WEIGHTS_H
