//===- Block.h - one block of threads, simulated --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_BLOCK_H
#define BRAID_RT_SRC_SIM_BLOCK_H

#include "AsyncState.h"
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
  enum class State { Ready, AtBarrier, AtWarp, AtMbarrier, AtWarpgroup, Done };

  Block *block_ = nullptr;
  Fiber fiber;
  State state = State::Done;
  const char *site = nullptr; ///< Where it waits.
  uint16_t number = 0;
  uint32_t warpEpoch = 0;
  const MemoryRange *lastRange = nullptr;
  std::vector<AsyncCopy> open;               ///< In no group yet.
  std::deque<std::vector<AsyncCopy>> groups; ///< The oldest first.
  VectorClock clock;                         ///< What it knows to be over.
  uint32_t fences = 0;                       ///< For asynchronous operations.
  size_t mbarrier = 0;                       ///< For whose phase it waits.
  uint32_t wgmmaGroups = 0;
  bool wgmmaFenced = false, wgmmaOpen = false; ///< In no group yet.
  /// Its fences, commits and waits since the last wgmma: a warp's are the same.
  std::vector<const char *> wgmmaSteps;

  // A warp operation: what this lane brings, and what it gets.
  WarpOp op = WarpOp::Sync;
  const std::byte *row = nullptr; ///< Of a matrix.
  uint32_t *words = nullptr;      ///< Fragments of matrices.
  int32_t mask = 0, value = 0, offset = 0, clamp = 0, kind = 0;
  uint64_t descriptor = 0; ///< Of a matrix in shared memory.
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
  void initMbarrier(SimThread &thread, const char *site, void *address,
                    int32_t arrivals);
  void arrive(SimThread &thread, const char *site, void *address,
              int32_t bytes);
  void waitForPhase(SimThread &thread, const char *site, const void *address,
                    int32_t parity);
  void fenceMbarriers(SimThread &thread);
  /// Copies what `copy` says of the source to `address`.
  void copyTile(SimThread &thread, TileCopy copy, const void *address,
                const void *mbarrier);
  void wgmma(SimThread &thread, const char *site, uint32_t *words, int32_t n,
             uint64_t b);
  void fenceWgmma(SimThread &thread, const char *site);
  void commitWgmma(SimThread &thread, const char *site);
  void waitWgmma(SimThread &thread, const char *site, uint32_t groups);
  void readSum(SimThread &thread, const char *site);

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
  std::string besideRanges(uintptr_t address) const;
  void waitForWarp(SimThread &thread, const char *site, int32_t mask);
  Accessor accessorOf(const SimThread &thread) const {
    return {thread.number, uint16_t(thread.number / kWarp), epoch,
            thread.warpEpoch, thread.fences};
  }
  void checkAsync(SimThread &thread, const char *site, uint64_t offset,
                  uint64_t bytes, bool write);
  uint64_t placeOf(SimThread &thread, const char *site, const void *address,
                   uint64_t bytes, uint64_t align);
  Mbarrier &mbarrierAt(SimThread &thread, const char *site,
                       const void *address);
  void noteMissing(const SimThread &thread);
  void moveTile(size_t number);
  void moveSomeTiles();
  bool moveOneTile();
  bool endsQuietly();
  void shareClocks(size_t first, size_t last, uint32_t mask);
  bool releaseBarrier();
  bool releaseMbarriers();
  bool releaseWarps();
  bool releaseWarpgroups();
  void noteStuck();
  bool mayCome(const SimThread &waiting, size_t other);
  void finishWarp(SimThread &thread);
  void exchange(SimThread &own, int lane);
  void combineLane(SimThread &own);
  // Of the warp whose first thread has that number.
  void loadMatrices(size_t first);
  void multiplyMatrices(size_t first);
  bool readRow(SimThread &lane);
  // Of the warpgroup.
  bool isWhole(size_t first) const;
  bool compareSteps(size_t first, size_t last);
  void multiplyWarpgroup(size_t first);
  bool readB(size_t first, std::vector<float> &b);
  bool readChunk(size_t first, uint64_t offset);
  bool useB(size_t first);
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
  AsyncState async;
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
