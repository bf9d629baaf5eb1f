//===- SharedShadow.h - who touched which byte of shared memory -----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_SHAREDSHADOW_H
#define BRAID_RT_SRC_SIM_SHAREDSHADOW_H

#include <cstdint>
#include <vector>

namespace braid::rt {

/// Who accesses, and when: `epoch` grows at each barrier of the block,
/// `warpEpoch` at each synchronisation of the warp. Two accesses are ordered if
/// one of these numbers has grown between them and both threads took part.
struct Accessor {
  uint16_t thread, warp;
  uint32_t epoch, warpEpoch;
};

/// Finds reads of what nothing has written, and pairs of accesses, one of them a
/// write, that no barrier orders.
class SharedShadow {
public:
  enum class Fault { None, Uninitialised, ReadAfterWrite, WriteAfterWrite,
                     WriteAfterRead, InFlight };
  /// As the thread of a read: all lanes of the warp.
  static constexpr uint16_t kWholeWarp = 0xfffe;

  void resize(uint64_t bytes) {
    words.assign((bytes + 3) / 4, Cell());
    parts.assign(words.size() * 4, Cell());
  }
  /// What is there was never written, as far as the next block is concerned.
  void forget(uint32_t epoch) { born = epoch; }

  Fault read(uint64_t offset, uint64_t bytes, const Accessor &who);
  Fault write(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// A write that is only announced: until `arrive`, nobody may touch the bytes.
  Fault depart(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// The write has happened, now and by the thread that had announced it.
  void arrive(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// The other thread of the latest fault.
  uint16_t other() const { return culprit; }

private:
  static constexpr uint16_t kNobody = 0xffff, kMany = kWholeWarp;
  struct Cell {
    uint32_t writeEpoch = 0, writeWarpEpoch = 0;
    uint32_t readEpoch = 0, readWarpEpoch = 0;
    uint16_t writer = kNobody;
    uint16_t reader = kNobody;     ///< kMany: several of the epoch, of the
    uint16_t readerWarp = kNobody; ///< warp, or of several warps.
    bool inFlight = false;
    bool split = false; ///< Of a word: its bytes differ, see `parts`.
  };
  static bool ordered(uint16_t thread, uint16_t warp, uint32_t epoch,
                      uint32_t warpEpoch, const Accessor &who);
  Fault readCell(Cell &cell, const Accessor &who);
  Fault writeCell(Cell &cell, const Accessor &who);
  template <typename Visit>
  Fault each(uint64_t offset, uint64_t bytes, Visit visit);

  std::vector<Cell> words; ///< Most accesses are of whole words.
  std::vector<Cell> parts; ///< Their bytes.
  uint32_t born = 0;
  uint16_t culprit = 0;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_SHAREDSHADOW_H
