//===- SharedShadow.h - who touched which byte of shared memory -----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_SHAREDSHADOW_H
#define BRAID_RT_SRC_SIM_SHAREDSHADOW_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace braid::rt {

/// Who accesses, and when: `epoch` grows at each barrier of the block,
/// `warpEpoch` at each synchronisation of the warp. Two accesses are ordered if
/// one of these numbers has grown between them and both threads took part.
struct Accessor {
  uint16_t thread, warp;
  uint32_t epoch, warpEpoch;
  uint32_t fences = 0; ///< Of the thread, for asynchronous operations.
};

/// Finds reads of what nothing has written, and pairs of accesses, one of them a
/// write, that no barrier orders.
class SharedShadow {
public:
  enum class Fault { None, Uninitialised, ReadAfterWrite, WriteAfterWrite,
                     WriteAfterRead, InFlight, InUse, Unfenced };
  /// As the thread of a read: all lanes of the warp.
  static constexpr uint16_t kWholeWarp = 0xfffe;
  /// As the thread of a write: in order with everything, as far as this class
  /// knows.
  static constexpr uint16_t kElsewhere = 0xfffd;

  void resize(uint64_t bytes) {
    words.assign((bytes + 3) / 4, Cell());
    parts.assign(words.size() * 4, Cell());
  }
  /// What is there was never written, as far as the next block is concerned.
  void forget(uint32_t epoch) { born = epoch; }

  Fault read(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// What a read would find, without being one.
  Fault look(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// Whether the thread that wrote each of the bytes has had a fence since:
  /// `fences` tells how many it has had.
  template <typename Count>
  bool isFenced(uint64_t offset, uint64_t bytes, Count fences) {
    return each(offset, bytes, [&](Cell &cell) {
             return cell.writer >= kElsewhere ||
                            fences(cell.writer) > cell.writeFences
                        ? Fault::None
                        : Fault::Unfenced;
           }) == Fault::None;
  }
  Fault write(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// A write that is only announced: until `arrive`, nobody may touch the bytes.
  Fault depart(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// The write has happened, now and by `who`.
  void arrive(uint64_t offset, uint64_t bytes, const Accessor &who);
  /// The other thread of the latest fault.
  uint16_t other() const { return culprit; }

private:
  static constexpr uint16_t kNobody = 0xffff, kMany = kWholeWarp;
  struct Cell {
    uint32_t writeEpoch = 0, writeWarpEpoch = 0;
    uint32_t readEpoch = 0, readWarpEpoch = 0;
    uint32_t writeFences = 0;
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

/// Visits the words of a range, or bytes where it has parts of a word or where
/// earlier accesses have made bytes of a word different.
template <typename Visit>
SharedShadow::Fault SharedShadow::each(uint64_t offset, uint64_t bytes,
                                       Visit visit) {
  for (uint64_t end = offset + bytes; offset < end;) {
    Cell &word = words[offset / 4];
    bool whole = offset % 4 == 0 && end - offset >= 4;
    if (!whole && !word.split) {
      std::fill_n(&parts[offset / 4 * 4], 4, word);
      word.split = true;
    }
    Fault fault = visit(word.split ? parts[offset] : word);
    if (fault != Fault::None)
      return fault;
    offset += word.split ? 1 : 4;
  }
  return Fault::None;
}

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_SHAREDSHADOW_H
