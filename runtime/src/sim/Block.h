//===- Block.h - one block of threads, simulated --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_BLOCK_H
#define BRAID_RT_SRC_SIM_BLOCK_H

#include "Fiber.h"
#include "SharedShadow.h"
#include "Simulator.h"

#include <deque>
#include <random>

namespace braid::rt {

/// Global memory that a launch may touch: [begin, end).
struct MemoryRange {
  uintptr_t begin, end;
};

/// A cp.async that its thread has not waited for.
struct AsyncCopy {
  const char *site;
  std::byte *shared;
  const std::byte *global;
  uint64_t size, bytes; ///< Written; of these, read.
  bool moved = false;   ///< It may happen at any time until the wait.
};

/// What lanes of a warp do together.
enum class WarpOp { Sync, Shuffle, LoadMatrix, Multiply, Sum, Match };

class Block;

/// One thread. Generated code knows its first part; its address is passed back
/// with every call.
struct SimThread : braid_sim {
  enum class State { Ready, AtBarrier, AtWarp, Done };

  Block *block_ = nullptr;
  Fiber fiber;
  State state = State::Done;
  const char *site = nullptr; ///< Where it waits.
  uint16_t number = 0;
  uint32_t warpEpoch = 0;
  const MemoryRange *lastRange = nullptr;
  std::vector<AsyncCopy> open;               ///< In no group yet.
  std::deque<std::vector<AsyncCopy>> groups; ///< The oldest first.

  // A warp operation: what this lane brings, and what it gets.
  WarpOp op = WarpOp::Sync;
  const std::byte *row = nullptr; ///< Of a matrix.
  uint32_t *words = nullptr;      ///< Fragments of matrices.
  int32_t mask = 0, value = 0, offset = 0, clamp = 0, kind = 0;
  int64_t result = 0;
};

/// Runs the blocks of a grid one after another on the same fibers.
class Block {
public:
  static constexpr int kWarp = 32;

  /// Runs one block; false if a fault was found (see `fault`).
  bool run(const SimKernel &kernel, const braid_launch &launch,
           const int64_t place[3], const std::vector<MemoryRange> &ranges);
  const std::string &fault() const { return message; }
  /// Whatever may happen at one time or another follows from the seed.
  void seed(uint32_t value) { random.seed(value); }

  // What threads ask for, each on its own fiber. They return only if nothing
  // has failed.
  void access(SimThread &thread, const char *site, void *address,
              uint64_t bytes, bool write);
  void barrier(SimThread &thread, const char *site);
  void syncWarp(SimThread &thread, const char *site, int32_t mask);
  int64_t shuffle(SimThread &thread, const char *site);
  void copyAsync(SimThread &thread, const AsyncCopy &copy);
  void commitCopies(SimThread &thread);
  void waitCopies(SimThread &thread, size_t groups);
  /// `op` with all 32 lanes; what the lane brings is in `thread`.
  void meetWarp(SimThread &thread, const char *site, WarpOp op);
  /// `op` with the lanes in `mask`, each of which brings a value.
  int32_t combine(SimThread &thread, const char *site, WarpOp op, int32_t mask,
                  int32_t value);

private:
  void prepare(const SimKernel &kernel, const braid_launch &launch,
               const int64_t place[3]);
  void accessShared(SimThread &thread, const char *site, uint64_t offset,
                    uint64_t bytes, bool write);
  std::string describe(SharedShadow::Fault fault, uint64_t offset,
                       uint64_t bytes, bool write) const;
  std::string outOfShared(uint64_t offset, uint64_t bytes) const;
  bool inShared(const std::byte *address) const {
    return address >= shared && address < memory.data() + memory.size();
  }
  bool inRanges(SimThread &thread, uintptr_t address, uint64_t bytes) const;
  void waitForWarp(SimThread &thread, const char *site, int32_t mask);
  void releaseBarrier();
  void finishWarp(SimThread &thread);
  void exchange(SimThread &own, int lane);
  void combineLane(SimThread &own);
  // Of the warp whose first thread has that number.
  void loadMatrices(size_t first);
  void multiplyMatrices(size_t first);
  bool readRow(SimThread &lane);
  /// After all ready threads have run: lets those go on whose wait is over.
  bool releaseWaiting();
  [[noreturn]] void fail(SimThread &thread, const char *site,
                         const std::string &what);
  void note(const SimThread &thread, const char *site, const std::string &what);

  std::deque<SimThread> threads; ///< Stay where they are.
  size_t count = 0;              ///< Threads of the running kernel.
  std::vector<std::byte> memory;
  std::byte *shared = nullptr;
  uint64_t sharedBytes = 0;
  SharedShadow shadow;
  uint32_t epoch = 1;
  const std::vector<MemoryRange> *ranges = nullptr;
  const uint64_t *parameters = nullptr;
  const SimKernel *kernel = nullptr;
  int64_t place[3] = {};
  std::string message;
  std::minstd_rand random;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_BLOCK_H
