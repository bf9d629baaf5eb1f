//===- AsyncState.cpp - what happens in a block beside its threads --------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AsyncState.h"

#include <algorithm>

namespace braid::rt {

void VectorClock::advance(size_t agent, uint32_t number) {
  if (agent >= numbers.size())
    numbers.resize(agent + 1);
  numbers[agent] = std::max(numbers[agent], number);
}

void VectorClock::merge(const VectorClock &other) {
  if (other.numbers.size() > numbers.size())
    numbers.resize(other.numbers.size());
  for (size_t i = 0; i < other.numbers.size(); ++i)
    numbers[i] = std::max(numbers[i], other.numbers[i]);
}

void AsyncState::clear() {
  mbarriers.clear();
  copies.clear();
  uses.clear();
}

Mbarrier *AsyncState::find(uint64_t offset) {
  for (Mbarrier &m : mbarriers)
    if (m.offset == offset)
      return &m;
  return nullptr;
}

const Mbarrier *AsyncState::within(uint64_t begin, uint64_t end) const {
  for (const Mbarrier &m : mbarriers)
    if (m.offset < end && begin < m.offset + 8)
      return &m;
  return nullptr;
}

void AsyncState::complete(Mbarrier &m) {
  if (m.pending != 0 || m.bytes != 0)
    return;
  m.pending = m.arrivals;
  m.completed.merge(m.arrived);
  m.completed.advance(agentOf(numberOf(m)), ++m.phase);
}

void AsyncState::note(const AsyncUse &use) {
  for (AsyncUse &old : uses)
    if (old.begin == use.begin && old.end == use.end &&
        old.agent == use.agent && old.writes == use.writes) {
      old.number = use.number;
      return;
    }
  uses.push_back(use);
}

const AsyncUse *AsyncState::conflict(uint64_t begin, uint64_t end, bool write,
                                     const VectorClock &clock) const {
  for (const AsyncUse &use : uses)
    if (use.begin < end && begin < use.end && (write || use.writes) &&
        clock[use.agent] < use.number)
      return &use;
  return nullptr;
}

void AsyncState::forget(uint64_t begin, uint64_t end) {
  std::erase_if(uses, [&](const AsyncUse &use) {
    return begin <= use.begin && use.end <= end;
  });
}

} // namespace braid::rt
