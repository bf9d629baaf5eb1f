//===- SessionState.h - what a session holds ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_SESSIONSTATE_H
#define BRAID_RT_SRC_CORE_SESSIONSTATE_H

#include "EngineState.h"
#include "StatePools.h"

namespace braid::rt {

/// One sequence lives in the slot of its number.
struct Sequence {
  bool used = false;
  bool hasNext = false;        ///< Whether `next` belongs to the last token.
  bool hasChosen = false;      ///< Whether `chosen` follows the last token.
  int32_t chosen = 0;
  std::vector<int32_t> tokens; ///< Capacity: the context.
};

struct Session::State {
  explicit State(Engine &engine);

  Sequence &at(int sequence);
  float *next(int sequence);
  void collect(std::span<const Feed> feeds);
  const Manifest &manifest() const { return engine.manifest(); }

  Engine &engine;
  Engine::State &loaded;
  StatePools pools;
  std::vector<Sequence> sequences;
  Region nextLogits; ///< [maxSequences, vocabulary]
  Region stepLogits; ///< [maxRows, vocabulary]
  // Arguments of a step; capacity for the largest.
  std::vector<int32_t> ids, rowBegin, position, slot, outputRows, keys, chosen;
  std::vector<float> temperatures;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_SESSIONSTATE_H
