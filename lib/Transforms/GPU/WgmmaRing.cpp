//===- WgmmaRing.cpp - tiles on their way to warpgroups
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WgmmaRing.h"
#include "Mbarrier.h"
#include "TensorCore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace braid;

WgmmaRing::WgmmaRing(Contraction &c, int64_t rows) : b(c.b), c(c), rows(rows) {
  xs = memory.reserve({kStages, rows, kDepth}, b.getBF16Type());
}

WgmmaRing::Turn WgmmaRing::first() { return {b.index(0), b.i32(0)}; }

/// The stage at `distance`; going past the edge changes the parity.
WgmmaRing::Turn WgmmaRing::moved(const Turn &turn, int64_t edge,
                                 int64_t distance) {
  Value atEdge = b.eq(turn.stage, b.index(edge));
  Value stage = b.rem(b.add(turn.stage, b.index(distance)), b.index(kStages));
  return {stage,
          b.select(atEdge, b.sub(b.i32(1), turn.parity), turn.parity)};
}

Value WgmmaRing::address(Value stage) {
  return b.sharedAddress(memory, xs, b.mul(stage, b.index(tileBytes())));
}

//===----------------------------------------------------------------------===//
// Rows that follow each other
//===----------------------------------------------------------------------===//

namespace {
/// A stage has two mbarriers: `full` completes a phase when the tile has come,
/// `empty` when all warps have multiplied it. One thread asks for tiles.
class TileRing : public WgmmaRing {
public:
  TileRing(Contraction &c, int64_t rows) : WgmmaRing(c, rows) {
    full = memory.reserve({kStages}, b.getI64Type());
    empty = memory.reserve({kStages}, b.getI64Type());
  }
  void prepare() override {
    map = TensorMapOp::create(b, TensorMapType::get(b.getContext()), c.x, rows);
  }
  void begin(const Contraction::Tile &at) override;
  Value acquire(Value step, const Turn &turn) override;
  void refill(Value step, const Turn &turn) override;
  void release(const Turn &turn) override;

private:
  void fetch(Value step, Value stage);
  Value mbarrier(size_t which, Value stage) {
    return b.sharedAddress(memory, which, b.mul(stage, b.index(8)));
  }

  size_t full, empty;
  Value map, firstRow;
};
} // namespace

void TileRing::begin(const Contraction::Tile &at) {
  firstRow = at.first;
  int64_t warps = b.threads / kWarp;
  b.when(b.eq(b.thread(), b.index(0)), [&] {
    for (int64_t i = 0; i < kStages; ++i) {
      initMbarrier(b, mbarrier(full, b.index(i)), 1);
      initMbarrier(b, mbarrier(empty, b.index(i)), warps);
    }
    NVVM::FenceMbarrierInitOp::create(b);
  });
  b.barrier();
  b.when(b.eq(b.thread(), b.index(0)), [&] {
    for (int64_t i = 0; i < std::min(kStages, steps()); ++i)
      fetch(b.index(i), b.index(i));
  });
}

void TileRing::fetch(Value step, Value stage) {
  Value barrier = mbarrier(full, stage);
  expectBytes(b, barrier, tileBytes());
  copyTile(b, map, b.mul(step, b.index(kDepth)), firstRow, address(stage),
           barrier);
}

Value TileRing::acquire(Value step, const Turn &turn) {
  waitForPhase(b, mbarrier(full, turn.stage), turn.parity);
  return describeTile(b, address(turn.stage));
}

/// The stage of the step before has been left by most warps by now, and takes
/// the next tile that has no place yet.
void TileRing::refill(Value step, const Turn &turn) {
  Value wanted = b.add(step, b.index(kStages - 1));
  Value due = b.both(b.lt(b.index(0), step), b.lt(wanted, b.index(steps())));
  b.when(b.both(b.eq(b.thread(), b.index(0)), due), [&] {
    Turn free = before(turn);
    waitForPhase(b, mbarrier(empty, free.stage), free.parity);
    fetch(wanted, free.stage);
  });
}

void TileRing::release(const Turn &turn) {
  b.when(b.eq(b.rem(b.thread(), b.index(kWarp)), b.index(0)),
         [&] { arrive(b, mbarrier(empty, turn.stage)); });
}

std::unique_ptr<WgmmaRing> braid::makeTileRing(Contraction &c, int64_t rows) {
  return std::make_unique<TileRing>(c, rows);
}

//===----------------------------------------------------------------------===//
// Rows from anywhere
//===----------------------------------------------------------------------===//

namespace {
/// Each thread copies chunks of 16 bytes, the same ones of the same rows at every
/// step, several steps ahead. A barrier between steps says that the tile is
/// there for all, and that the one before has been multiplied by all.
class RowRing : public WgmmaRing {
public:
  using WgmmaRing::WgmmaRing;
  void begin(const Contraction::Tile &at) override;
  Value acquire(Value step, const Turn &turn) override;

private:
  static constexpr int64_t kChunk = 8, kChunks = kDepth / kChunk;
  void fetch(Value step, Value stage);

  Value x;
  LoopBuilder::Values sources, exist; ///< Of the thread's rows.
};
} // namespace

void RowRing::begin(const Contraction::Tile &at) {
  x = b.shared(memory, xs);
  sources.clear(), exist.clear();
  Value own = b.div(b.thread(), b.index(kChunks));
  Value last = b.sub(at.end, b.index(1));
  for (int64_t row = 0; row < rows; row += b.threads / kChunks) {
    Value number = b.add(at.first, b.add(own, b.index(row)));
    exist.push_back(b.lt(number, at.end));
    sources.push_back(c.place(b.min(number, last)).x);
  }
  for (int64_t step = 0; step < kStages - 1; ++step)
    fetch(b.index(step), b.index(step));
}

/// One group of copies, also if it is empty, so that the wait can count.
void RowRing::fetch(Value step, Value stage) {
  Value chunk = b.rem(b.thread(), b.index(kChunks));
  Value own = b.div(b.thread(), b.index(kChunks));
  Value k = b.add(b.mul(step, b.index(kDepth)), b.mul(chunk, b.index(kChunk)));
  Value last = b.index(c.k - kChunk);
  b.when(b.lt(step, b.index(steps())), [&] {
    for (auto [i, source] : llvm::enumerate(sources)) {
      Value row = b.add(own, b.index(int64_t(i) * b.threads / kChunks));
      Value place =
          arith::XOrIOp::create(b, chunk, b.rem(row, b.index(kChunks)));
      Value wanted = exist[i];
      if (c.k % kDepth != 0)
        wanted = b.both(wanted, b.le(k, last));
      copyAsync(b, {c.x, {source, b.min(k, last)}},
                {x, {stage, row, b.mul(place, b.index(kChunk))}}, kChunk,
                wanted);
    }
  });
  commitCopies(b);
}

Value RowRing::acquire(Value step, const Turn &turn) {
  waitCopies(b, kStages - 2);
  NVVM::FenceProxyOp::create(
      b, NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta));
  b.barrier();
  fetch(b.add(step, b.index(kStages - 1)), before(turn).stage);
  return describeTile(b, address(turn.stage));
}

std::unique_ptr<WgmmaRing> braid::makeRowRing(Contraction &c, int64_t rows) {
  return std::make_unique<RowRing>(c, rows);
}
