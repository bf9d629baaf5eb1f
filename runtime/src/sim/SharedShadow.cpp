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
  if (thread == who.thread || epoch != who.epoch)
    return true;
  return warp == who.warp && warpEpoch != who.warpEpoch;
}

SharedShadow::Fault SharedShadow::readCell(Cell &cell, const Accessor &who) {
  if (cell.writer == kNobody || cell.writeEpoch < born)
    return Fault::Uninitialised;
  if (!ordered(cell.writer, cell.writer / kWarp, cell.writeEpoch,
               cell.writeWarpEpoch, who)) {
    culprit = cell.writer;
    return Fault::ReadAfterWrite;
  }
  // Earlier readers of this warp are before whatever it does now.
  bool warpWentOn = cell.readerWarp == who.warp &&
                    cell.readWarpEpoch != who.warpEpoch;
  bool alone = cell.reader == kNobody || cell.reader == who.thread ||
               cell.readEpoch != who.epoch || warpWentOn;
  bool sameWarp = alone || cell.readerWarp == who.warp;
  cell.reader = alone ? who.thread : kMany;
  cell.readerWarp = sameWarp ? who.warp : kNobody;
  cell.readEpoch = who.epoch;
  cell.readWarpEpoch = who.warpEpoch;
  return Fault::None;
}

SharedShadow::Fault SharedShadow::writeCell(Cell &cell, const Accessor &who) {
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
  cell.writer = who.thread;
  cell.writeEpoch = who.epoch;
  cell.writeWarpEpoch = who.warpEpoch;
  return Fault::None;
}

SharedShadow::Fault SharedShadow::read(uint64_t offset, uint64_t bytes,
                                       const Accessor &who) {
  for (uint64_t i = offset; i < offset + bytes; ++i)
    if (Fault fault = readCell(cells[i], who); fault != Fault::None)
      return fault;
  return Fault::None;
}

SharedShadow::Fault SharedShadow::write(uint64_t offset, uint64_t bytes,
                                        const Accessor &who) {
  for (uint64_t i = offset; i < offset + bytes; ++i)
    if (Fault fault = writeCell(cells[i], who); fault != Fault::None)
      return fault;
  return Fault::None;
}

} // namespace braid::rt
