//===- ContractMma.cpp - contractions on tensor cores
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "TensorCore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Four warps, 2 x 2, compute a tile of rows x columns outputs with mma.sync
/// m16n8k16. x and W come through shared memory in steps of 32 inputs, several
/// of which are under way at any time (cp.async). An output is one sum over K
/// in ascending order, the same for any tile and any other rows.
///
/// In shared memory a step of x is a row of 4 chunks of 16 bytes per row of the
/// tile; W keeps its packed layout, 8 chunks for the 32 outputs of a pair, or of
/// a row of codes. Chunks are permuted such that lanes that read at the same
/// time read different banks: chunk ^ (row / 2) % 4 for x, chunk ^ 2 (row % 4)
/// for W.
///
/// A word of packed W is a register of an mma's B: inputs 2p and 2p + 1 of one
/// output. Which eight outputs an mma computes is free. Lanes load the words of
/// four neighbours at once, so mma j of four takes outputs 4 i + j of a panel;
/// then a lane holds sums of eight neighbours of a row, and stores 16 bytes. A
/// word of codes becomes both registers of B, when it is read from shared memory.
class ContractMma {
public:
  ContractMma(Contraction &c, int64_t rows, int64_t columns)
      : b(c.b), c(c), rows(rows), panels(columns / kPanel) {
    wRows = kDepth / c.layout.perWord + (c.layout.hasBlockScales() ? 1 : 0);
    stages = kSharedBytes / (2 * kDepth * rows + 4 * wRows * columns);
    stages = std::min<int64_t>(stages, 4);
    xs = memory.reserve({stages, rows, kDepth}, b.getBF16Type());
    ws = memory.reserve({stages, panels, wRows, c.layout.kp * kPanel},
                        cast<MemRefType>(c.w.getType()).getElementType());
  }
  void emit() {
    llvm::SaveAndRestore threads(b.threads, kThreads);
    b.part = ("mma" + Twine(rows) + "x" + Twine(panels * kPanel)).str();
    c.launchTiles(rows, panels * kPanel, memory,
                  [&](Value column, const Contraction::Tile &at) {
                    tile(column, at);
                  });
  }

private:
  static constexpr int64_t kThreads = 128;
  /// More would have to be asked for at the launch.
  static constexpr int64_t kSharedBytes = 48 << 10;
  static constexpr int64_t kDepth = 32; ///< Inputs of a step.
  static constexpr int64_t kChunk = 8;  ///< Elements of 16 bytes.
  static constexpr int64_t kChunksOfRow = 8; ///< Of W, whatever it is stored in.

  void tile(Value column, const Contraction::Tile &at);
  void locateSources(Value column, const Contraction::Tile &at);
  void fetch(Value step, Value stage);
  void fetchX(Value depth, Value stage);
  void fetchW(Value depth, Value stage);
  void fetchChunkOfW(Value depth, Value stage, Value row);
  Values multiply(Value step, Value stage, ValueRange sums);
  Values fragmentsOfX(Value stage, int64_t part);
  Values fragmentsOfW(Value stage, int64_t part, Value block);
  void finish(Value column, const Contraction::Tile &at, ValueRange sums);
  Value chunk(Value number, Value flip, int64_t elements = kChunk) {
    return b.mul(arith::XOrIOp::create(b, number, flip), b.index(elements));
  }
  /// Elements in 16 bytes of W.
  int64_t wChunk() const { return 4 * c.layout.kp; }

  /// A warp's share: mmas of 16 rows, and panels.
  int64_t warpRows() const { return rows / 2 / 16; }
  int64_t warpPanels() const { return panels / 2; }
  Value lane() { return b.rem(b.thread(), b.index(kWarp)); }
  Value warp() { return b.div(b.thread(), b.index(kWarp)); }
  /// First row, and first panel, of the warp in the tile.
  Value warpRow() {
    return b.mul(b.rem(warp(), b.index(2)), b.index(rows / 2));
  }
  Value warpPanel() {
    return b.mul(b.div(warp(), b.index(2)), b.index(warpPanels()));
  }

  GPUEmitter &b;
  Contraction &c;
  int64_t rows, panels, stages;
  int64_t wRows; ///< Of W, in a step; the last one may be of scales.
  SharedMemory memory;
  size_t xs, ws;
  // Of the running tile: shared memory, and what this thread brings.
  Value x, w, expert;
  Values xRows, xExists;
  Value firstPanel;
};

} // namespace

//===----------------------------------------------------------------------===//
// From global to shared memory
//===----------------------------------------------------------------------===//

/// The rows of x that this thread brings, the same ones at every step.
void ContractMma::locateSources(Value column, const Contraction::Tile &at) {
  expert = at.expert;
  firstPanel = b.div(column, b.index(kPanel));
  xRows.clear(), xExists.clear();
  Value own = b.div(b.thread(), b.index(kDepth / kChunk));
  Value last = b.sub(at.end, b.index(1));
  for (int64_t row = 0; row < rows; row += kThreads / (kDepth / kChunk)) {
    Value number = b.add(at.first, b.add(own, b.index(row)));
    xExists.push_back(b.lt(number, at.end));
    xRows.push_back(c.place(b.min(number, last)).x);
  }
}

void ContractMma::fetchX(Value depth, Value stage) {
  constexpr int64_t kChunks = kDepth / kChunk;
  int64_t lanes = std::min(kChunk, GPUEmitter::vectorLanes({c.x}, c.k));
  Value own = b.rem(b.thread(), b.index(kChunks));
  Value row = b.div(b.thread(), b.index(kChunks));
  Value flip = b.rem(b.div(row, b.index(2)), b.index(4));
  Value to = chunk(own, flip);
  Value from = b.add(depth, b.mul(own, b.index(kChunk)));
  for (auto [i, source] : llvm::enumerate(xRows))
    for (int64_t part = 0; part < kChunk; part += lanes) {
      Value k = b.add(from, b.index(part)), exists = xExists[i];
      if (c.k % kDepth != 0)
        exists = b.both(exists, b.lt(k, b.index(c.k)));
      Value place = b.add(row, b.index(int64_t(i) * kThreads / kChunks));
      Value column = b.add(to, b.index(part));
      copyAsync(b, {c.x, {source, k}}, {x, {stage, place, column}}, lanes,
                exists);
    }
}

void ContractMma::fetchW(Value depth, Value stage) {
  int64_t all = panels * wRows, together = kThreads / kChunksOfRow;
  for (int64_t i = 0; i < all; i += together) {
    Value row = b.add(b.div(b.thread(), b.index(kChunksOfRow)), b.index(i));
    if (i + together <= all)
      fetchChunkOfW(depth, stage, row);
    else
      b.when(b.lt(row, b.index(all)),
             [&] { fetchChunkOfW(depth, stage, row); });
  }
}

/// `row` counts the step's rows in all of the tile's panels.
void ContractMma::fetchChunkOfW(Value depth, Value stage, Value row) {
  Value own = b.rem(b.thread(), b.index(kChunksOfRow));
  Value place = b.rem(row, b.index(wRows));
  Value number = b.div(row, b.index(wRows));
  Value to =
      chunk(own, b.mul(b.rem(place, b.index(4)), b.index(2)), wChunk());
  Value panel = b.add(firstPanel, number), exists;
  if (c.panels % panels != 0)
    exists = b.lt(panel, b.index(c.panels));
  Value from = b.add(b.div(depth, b.index(c.layout.perWord)), place);
  Value source = b.add(from, b.index(c.layout.scaleRows));
  if (c.layout.hasBlockScales())
    source = b.select(b.eq(place, b.index(wRows - 1)),
                      c.scaleRow(b.div(depth, b.index(c.layout.kBlock))),
                      source);
  if (c.k % kDepth != 0) {
    Value inside = b.lt(source, b.index(c.layout.rows));
    exists = exists ? b.both(exists, inside) : inside;
  }
  Values at = {panel, source, b.mul(own, b.index(wChunk()))};
  if (c.grouped)
    at.insert(at.begin(), expert);
  copyAsync(b, {c.w, at}, {w, {stage, number, place, to}}, wChunk(), exists);
}

/// Begins the copies of a step, as one group.
void ContractMma::fetch(Value step, Value stage) {
  Value steps = b.index(llvm::divideCeil(c.k, kDepth));
  b.when(b.lt(step, steps), [&] {
    Value depth = b.mul(step, b.index(kDepth));
    fetchX(depth, stage);
    fetchW(depth, stage);
  });
  // Also without any copy, so that the wait can count.
  commitCopies(b);
}

//===----------------------------------------------------------------------===//
// From shared memory to sums
//===----------------------------------------------------------------------===//

static Value wordOf(LoopBuilder &b, Value vector, int64_t number) {
  return vector::ExtractOp::create(b, vector, number);
}

/// A's registers of 16 inputs for all of the warp's rows, four of 16 rows each.
Values ContractMma::fragmentsOfX(Value stage, int64_t part) {
  Value row = b.rem(lane(), b.index(16));
  Value flip = b.rem(b.div(row, b.index(2)), b.index(4));
  Value own = b.add(b.div(lane(), b.index(16)), b.index(2 * part));
  Value column = chunk(own, flip);
  auto type = VectorType::get({4, 2}, b.getBF16Type());
  Values registers;
  for (int64_t i = 0; i < warpRows(); ++i) {
    Value at = b.add(b.add(warpRow(), row), b.index(16 * i));
    Value loaded = nvgpu::LdMatrixOp::create(
        b, type, x, ValueRange{stage, at, column}, /*transpose=*/false,
        /*numTiles=*/4);
    for (int64_t r = 0; r < 4; ++r)
      registers.push_back(wordOf(
          b, wordsOf(b, vector::ExtractOp::create(b, loaded, r)), 0));
  }
  return registers;
}

/// B's registers of 16 inputs for all of the warp's panels: the first and the
/// second of four mmas, of each panel.
Values ContractMma::fragmentsOfW(Value stage, int64_t part, Value block) {
  Value quad = b.rem(lane(), b.index(4)), group = b.div(lane(), b.index(4));
  Values registers;
  auto append = [&](Value pairs) {
    for (int64_t j = 0; j < 4; ++j)
      registers.push_back(wordOf(b, wordsOf(b, pairs), j));
  };
  auto load = [&](int64_t panel, Value row) {
    Value at = b.add(warpPanel(), b.index(panel));
    Value flip = b.mul(b.rem(row, b.index(4)), b.index(2));
    Value column = chunk(group, flip, wChunk());
    return b.loadRawAligned(w, {stage, at, row, column}, wChunk());
  };
  for (int64_t panel = 0; panel < warpPanels(); ++panel) {
    if (!c.layout.isCoded()) {
      append(load(panel, b.add(quad, b.index(8 * part))));
      append(load(panel, b.add(quad, b.index(8 * part + 4))));
      continue;
    }
    Value row = b.add(b.div(quad, b.index(c.layout.lanesOfWord())),
                      b.index(part * c.layout.blockRows()));
    Value scales;
    if (c.layout.hasBlockScales())
      scales = c.blockScales(load(panel, b.index(wRows - 1)),
                             b.add(block, b.index(part)));
    Value codes = load(panel, row);
    for (int64_t reg = 0; reg < 2; ++reg)
      append(c.decodePairs(codes, quad, reg, scales));
  }
  return registers;
}

/// Adds the products of a step. Sums are in the order [row of mmas][panel][mma
/// of the panel][register].
Values ContractMma::multiply(Value step, Value stage, ValueRange sums) {
  Values result(sums);
  Value block = b.mul(step, b.index(kDepth / PackedLayout::kBlock));
  for (int64_t part = 0; part < kDepth / 16; ++part) {
    Values xWords = fragmentsOfX(stage, part);
    Values wWords = fragmentsOfW(stage, part, block);
    for (int64_t i = 0; i < warpRows(); ++i)
      for (int64_t j = 0; j < 4 * warpPanels(); ++j) {
        ValueRange words = wWords;
        words = words.drop_front(j / 4 * 8 + j % 4);
        int64_t first = (i * 4 * warpPanels() + j) * 4;
        auto own = MutableArrayRef(result).slice(first, 4);
        llvm::copy(braid::multiply(b, ValueRange(xWords).slice(4 * i, 4),
                               {words[0], words[4]}, ValueRange(own)),
                   own.begin());
      }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// A tile
//===----------------------------------------------------------------------===//

/// A lane holds, of a row of mmas and a panel, eight neighbours of two rows.
void ContractMma::finish(Value column, const Contraction::Tile &at,
                         ValueRange sums) {
  Value quad = b.rem(lane(), b.index(4)), group = b.div(lane(), b.index(4));
  auto type = VectorType::get({8}, b.getF32Type());
  for (int64_t i = 0; i < warpRows(); ++i)
    for (int64_t half = 0; half < 2; ++half) {
      Value row = b.add(b.add(warpRow(), group), b.index(16 * i + 8 * half));
      Value number = b.add(at.first, row);
      b.when(b.lt(number, at.end), [&] {
        Contraction::Place place = c.place(number);
        for (int64_t panel = 0; panel < warpPanels(); ++panel) {
          Values eight;
          for (int64_t side = 0; side < 2; ++side)
            for (int64_t j = 0; j < 4; ++j)
              eight.push_back(sums[((i * warpPanels() + panel) * 4 + j) * 4 +
                                   2 * half + side]);
          Value at = b.mul(b.add(warpPanel(), b.index(panel)), b.index(kPanel));
          at = b.add(b.add(column, at), b.mul(quad, b.index(8)));
          c.finish(vector::FromElementsOp::create(b, type, eight), expert,
                   place, at);
        }
      });
    }
}

void ContractMma::tile(Value column, const Contraction::Tile &at) {
  x = b.shared(memory, xs), w = b.shared(memory, ws);
  locateSources(column, at);
  for (int64_t step = 0; step < stages - 1; ++step)
    fetch(b.index(step), b.index(step));
  Value last = b.index(stages - 1);
  Values carried(warpRows() * warpPanels() * 16, b.f32(0.0));
  carried.push_back(b.index(0));
  carried = b.loop(
      b.index(0), b.index(llvm::divideCeil(c.k, kDepth)), b.index(1), carried,
      [&](Value step, ValueRange values) {
        // The oldest step has arrived, at all threads; and all of them are done
        // with the step before it, whose place is taken next.
        Value stage = values.back();
        waitCopies(b, stages - 2);
        b.barrier();
        Value first = b.eq(stage, b.index(0));
        Value before = b.select(first, last, b.sub(stage, b.index(1)));
        fetch(b.add(step, last), before);
        Values next = multiply(step, stage, values.drop_back());
        next.push_back(b.select(b.eq(stage, last), b.index(0),
                                b.add(stage, b.index(1))));
        return next;
      });
  carried.pop_back();
  finish(column, at, carried);
}

/// Host code knows the blocks of a dense contraction, and at most how many
/// there are of a grouped one.
void braid::emitContractMma(Contraction &contraction, ArrayRef<int64_t> tile) {
  constexpr int64_t kSmall = 64;
  LoopBuilder &b = contraction.b;
  auto emit = [&](int64_t rows, int64_t columns) {
    ContractMma(contraction, rows, columns).emit();
  };
  int64_t rows = tile[0], columns = tile[1], enough = tile[2];
  if (enough == 0 || (rows == kSmall && columns == kSmall))
    return emit(rows, columns);
  Value places = b.mul(contraction.rows, b.index(contraction.choices));
  Value tiles = b.div(b.add(places, b.index(rows - 1)), b.index(rows));
  Value blocks =
      b.mul(tiles, b.index(llvm::divideCeil(contraction.n, columns)));
  b.when(
      b.lt(blocks, b.index(enough)), [&] { emit(kSmall, kSmall); },
      [&] { emit(rows, columns); });
}
