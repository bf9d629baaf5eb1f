//===- WgmmaRing.h - tiles on their way to warpgroups (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_WGMMARING_H
#define BRAID_LIB_TRANSFORMS_GPU_WGMMARING_H

#include "EmitContract.h"
#include "braid-rt/abi.h"

namespace braid {

/// Tiles of x, one for each step of 64 inputs, in a ring of stages in shared
/// memory. Rows of a tile have 128 bytes, swizzled as wgmma wants them.
class WgmmaRing {
public:
  using Value = mlir::Value;
  static constexpr int64_t kStages = 4, kDepth = BRAID_TILE_COLUMNS;

  /// Where the ring is: a stage, and the parity of its phases.
  struct Turn {
    Value stage, parity;
  };

  WgmmaRing(Contraction &c, int64_t rows);
  virtual ~WgmmaRing() = default;
  const SharedMemory &shared() const { return memory; }
  int64_t steps() const { return llvm::divideCeil(c.k, kDepth); }
  Turn first();
  Turn next(const Turn &turn) { return moved(turn, kStages - 1, 1); }

  /// Host code, before the launch.
  virtual void prepare() {}
  /// By all threads, when a tile of outputs begins.
  virtual void begin(const Contraction::Tile &at) = 0;
  /// Waits for the step's tile; a descriptor of it.
  virtual Value acquire(Value step, const Turn &turn) = 0;
  /// While it is being multiplied.
  virtual void refill(Value step, const Turn &turn) {}
  /// The thread's warp is done with it.
  virtual void release(const Turn &turn) {}

protected:
  Turn before(const Turn &turn) { return moved(turn, 0, kStages - 1); }
  Value address(Value stage);
  int64_t tileBytes() const { return rows * kDepth * 2; }

  GPUEmitter &b;
  Contraction &c;
  int64_t rows;
  SharedMemory memory;
  size_t xs;

private:
  Turn moved(const Turn &turn, int64_t edge, int64_t distance);
};

/// Rows that follow each other are copied as tiles by the hardware, other rows
/// by the threads.
std::unique_ptr<WgmmaRing> makeTileRing(Contraction &c, int64_t rows);
std::unique_ptr<WgmmaRing> makeRowRing(Contraction &c, int64_t rows);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_WGMMARING_H
