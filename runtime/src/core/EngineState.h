//===- EngineState.h - what an engine holds -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_ENGINESTATE_H
#define BRAID_RT_SRC_CORE_ENGINESTATE_H

#include "Code.h"
#include "Device.h"
#include "Region.h"
#include "Weights.h"
#include "braid-rt/session.h"
#include "cpu/ThreadPool.h"

#include <array>
#include <mutex>

namespace braid::rt {

struct Engine::State {
  State(Artifact artifact, const EngineOptions &options);

  Artifact artifact;
  EngineOptions options; ///< With the defaults filled in.
  Code code;
  ThreadPool pool;
  std::unique_ptr<Device> device;
  std::unique_ptr<DeviceMemory> arena;
  Weights weights;
  std::optional<Tokenizer> tokenizer;
  /// What a saved sequence is bound to: the seal and the synthetic seed.
  std::array<uint8_t, 32> identity{};
  std::mutex stepping;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_ENGINESTATE_H
