//===- SharedShadow.cpp - who touched which byte of shared memory ---------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SharedShadow.h"

namespace braid::rt {

static constexpr uint16_t kWarp = 32;

/// Whether the earlier access happened before the one of `who`.
bool SharedShadow::ordered(uint16_t thread, uint16_t warp, uint32_t epoch,
                           uint32_t warpEpoch, const Accessor &who) {
  if (thread == who.thread || thread == kElsewhere || epoch != who.epoch)
    return true;
  return warp == who.warp && warpEpoch != who.warpEpoch;
}

SharedShadow::Fault SharedShadow::readCell(Cell &cell, const Accessor &who) {
  if (cell.writer == kNobody || cell.writeEpoch < born)
    return Fault::Uninitialised;
  if (cell.inFlight)
    return Fault::InFlight;
  if (!ordered(cell.writer, cell.writer / kWarp, cell.writeEpoch,
               cell.writeWarpEpoch, who)) {
    culprit = cell.writer;
    return Fault::ReadAfterWrite;
  }
  bool again = cell.reader == who.thread && cell.reader != kMany;
  // Earlier readers of this warp are before whatever it does now.
  bool warpWentOn = cell.readerWarp == who.warp &&
                    cell.readWarpEpoch != who.warpEpoch;
  bool alone = cell.reader == kNobody || again || warpWentOn ||
               cell.readEpoch != who.epoch;
  bool sameWarp = alone || cell.readerWarp == who.warp;
  cell.reader = alone ? who.thread : kMany;
  cell.readerWarp = sameWarp ? who.warp : kNobody;
  cell.readEpoch = who.epoch;
  cell.readWarpEpoch = who.warpEpoch;
  return Fault::None;
}

SharedShadow::Fault SharedShadow::writeCell(Cell &cell, const Accessor &who) {
  if (cell.inFlight && cell.writeEpoch >= born)
    return Fault::InFlight;
  if (cell.writer != kNobody && cell.writeEpoch >= born &&
      !ordered(cell.writer, cell.writer / kWarp, cell.writeEpoch,
               cell.writeWarpEpoch, who)) {
    culprit = cell.writer;
    return Fault::WriteAfterWrite;
  }
  if (cell.reader != kNobody && cell.readEpoch >= born &&
      !ordered(cell.reader, cell.readerWarp, cell.readEpoch,
               cell.readWarpEpoch, who)) {
    culprit = cell.reader;
    return Fault::WriteAfterRead;
  }
  // Whoever is in order with this write is so with all before it.
  cell = Cell();
  cell.writer = who.thread;
  cell.writeEpoch = who.epoch;
  cell.writeWarpEpoch = who.warpEpoch;
  cell.writeFences = who.fences;
  return Fault::None;
}

SharedShadow::Fault SharedShadow::read(uint64_t offset, uint64_t bytes,
                                       const Accessor &who) {
  return each(offset, bytes, [&](Cell &cell) { return readCell(cell, who); });
}

SharedShadow::Fault SharedShadow::look(uint64_t offset, uint64_t bytes,
                                       const Accessor &who) {
  return each(offset, bytes,
              [&](Cell cell) { return readCell(cell, who); });
}

SharedShadow::Fault SharedShadow::write(uint64_t offset, uint64_t bytes,
                                        const Accessor &who) {
  Fault fault =
      each(offset, bytes, [&](Cell &cell) { return writeCell(cell, who); });
  if (fault != Fault::None)
    return fault;
  for (uint64_t i = (offset + 3) / 4; i < (offset + bytes) / 4; ++i)
    if (words[i].split)
      words[i] = parts[i * 4]; // Now its bytes are equal again.
  return fault;
}

SharedShadow::Fault SharedShadow::depart(uint64_t offset, uint64_t bytes,
                                         const Accessor &who) {
  if (Fault fault = write(offset, bytes, who); fault != Fault::None)
    return fault;
  return each(offset, bytes, [](Cell &cell) {
    cell.inFlight = true;
    return Fault::None;
  });
}

void SharedShadow::arrive(uint64_t offset, uint64_t bytes,
                          const Accessor &who) {
  each(offset, bytes, [&](Cell &cell) {
    cell.inFlight = false;
    cell.writer = who.thread;
    cell.writeFences = who.fences;
    cell.writeEpoch = who.epoch;
    cell.writeWarpEpoch = who.warpEpoch;
    return Fault::None;
  });
}

} // namespace braid::rt
