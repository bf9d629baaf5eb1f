//===- ContractWgmma.cpp - contractions by warpgroups
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Mbarrier.h"
#include "TensorCore.h"
#include "WgmmaRing.h"
#include "braid/Transforms/Wgmma.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Two warpgroups compute W x^T: 128 outputs each of a tile of rows. A's rows are
/// outputs, and A comes from registers: a word of packed W, inputs 2p and 2p + 1
/// of one output, is one of its registers. Lanes load the words of four
/// neighbours at once, straight from global memory, since no other warp needs
/// them; the first two are rows of one product, the others of a second one, so
/// that a warp has the 32 outputs of a panel. B is the tile of x in shared
/// memory, which both groups read. A word of codes becomes two words of pairs,
/// in registers. An output is one sum over K in ascending order, the same for
/// any other rows.
class ContractWgmma {
public:
  ContractWgmma(Contraction &c, int64_t rows)
      : b(c.b), c(c), rows(rows),
        ring(c.op.getGather() ? makeRowRing(c, rows) : makeTileRing(c, rows)) {}
  void emit() {
    // 128 sums and twice 32 weights take more registers than half a
    // multiprocessor has.
    llvm::SaveAndRestore blocks(b.blocks, std::optional<int64_t>(1));
    ring->prepare();
    c.launchTiles(rows, kColumns, ring->shared(),
                  [&](Value column, const Contraction::Tile &at) {
                    tile(column, at);
                  });
  }

  static constexpr int64_t kColumns = 256;

private:
  static constexpr int64_t kWarps = 8;
  static constexpr int64_t kDepth = WgmmaRing::kDepth; ///< Inputs of a step.
  static constexpr int64_t kParts = kDepth / 16;
  static_assert(kColumns == kWarps * kPanel, "a warp takes a panel");

  void tile(Value column, const Contraction::Tile &at);
  Values loadWeights(Value step);
  Value loadRow(Value row);
  Values pairs(ValueRange weights);
  Values multiply(Value tile, ValueRange weights, ValueRange sums);
  Values step(Value number, ValueRange carried);
  void finish(Value column, const Contraction::Tile &at, ValueRange sums);
  Value neighbours(ValueRange sums, int64_t eight, Value odd);

  GPUEmitter &b;
  Contraction &c;
  int64_t rows;
  std::unique_ptr<WgmmaRing> ring;
  // Of the running tile.
  Value panel, expert, quad, group;
};

} // namespace

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Four neighbours' words of a row with inputs; zeros behind the last one.
Value ContractWgmma::loadRow(Value row) {
  Value last = b.index(c.layout.rows - c.layout.scaleRows - 1), at = row;
  bool ends = c.k % kDepth != 0;
  if (ends)
    at = b.min(row, last);
  Value four = wordsOf(
      b, c.weights(expert, panel, at, b.mul(group, b.index(4)), 4));
  if (ends)
    four = arith::SelectOp::create(
        b, b.le(row, last), four,
        arith::ConstantOp::create(b, b.getZeroAttr(four.getType())));
  return four;
}

/// The lane's words of each of a step's eight pairs, or of each of its four
/// blocks of codes and then of their scales.
Values ContractWgmma::loadWeights(Value step) {
  const PackedLayout &layout = c.layout;
  Value first = b.mul(step, b.index(kDepth / layout.perWord));
  Values words;
  if (!layout.isCoded()) {
    for (int64_t i = 0; i < 2 * kParts; ++i)
      words.push_back(loadRow(b.add(first, b.add(quad, b.index(4 * i)))));
    return words;
  }
  Value own = b.div(quad, b.index(layout.lanesOfWord()));
  for (int64_t i = 0; i < kParts; ++i)
    words.push_back(
        loadRow(b.add(first, b.add(own, b.index(i * layout.blockRows())))));
  if (layout.hasBlockScales()) {
    Value row = c.scaleRow(b.mul(step, b.index(kParts)));
    words.push_back(wordsOf(
        b, c.loadWords(expert, panel, row, b.mul(group, b.index(4)), 4)));
  }
  return words;
}

/// The words of eight pairs that loaded ones stand for.
Values ContractWgmma::pairs(ValueRange weights) {
  if (!c.layout.isCoded())
    return weights;
  Values words;
  for (int64_t part = 0; part < kParts; ++part) {
    Value scales;
    if (c.layout.hasBlockScales())
      scales = c.blockScales(weights.back(), b.index(part));
    for (int64_t reg = 0; reg < 2; ++reg)
      words.push_back(
          wordsOf(b, c.decodePairs(weights[part], quad, reg, scales)));
  }
  return words;
}

/// Adds the products of a step, as one group. Sums are those of the first, then
/// of the second product.
Values ContractWgmma::multiply(Value tile, ValueRange weights,
                               ValueRange sums) {
  Values result(sums);
  size_t each = sums.size() / 2;
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t part = 0; part < kParts; ++part) {
    Value descriptor = advanceTile(b, tile, 32 * part);
    for (int64_t half = 0; half < 2; ++half) {
      Values a;
      for (int64_t i = 0; i < 4; ++i)
        a.push_back(vector::ExtractOp::create(
            b, weights[2 * part + i / 2], 2 * half + i % 2));
      auto own = MutableArrayRef(result).slice(half * each, each);
      Value product =
          createWgmma(b, b.getLoc(), a, descriptor, own).getResult(0);
      for (auto [i, sum] : llvm::enumerate(own))
        sum = LLVM::ExtractValueOp::create(b, product, int64_t(i));
    }
  }
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
  return result;
}

/// Carried: the sums, the weights of this step, stage and parity.
Values ContractWgmma::step(Value number, ValueRange carried) {
  WgmmaRing::Turn turn{carried.drop_back().back(), carried.back()};
  ValueRange sums = carried.take_front(rows);
  ValueRange weights = carried.drop_front(rows).drop_back(2);
  // On their way while this step's are multiplied.
  Values ahead = loadWeights(
      b.min(b.add(number, b.index(1)), b.index(ring->steps() - 1)));
  Values decoded = pairs(weights);
  Value tile = ring->acquire(number, turn);
  Values result = multiply(tile, decoded, sums);
  ring->refill(number, turn);
  NVVM::WgmmaWaitGroupSyncOp::create(b, 0);
  ring->release(turn);
  result.append(ahead);
  WgmmaRing::Turn next = ring->next(turn);
  result.append({next.stage, next.parity});
  return result;
}

//===----------------------------------------------------------------------===//
// A tile
//===----------------------------------------------------------------------===//

/// A lane has the sums of four outputs for two rows of each eight, one of which
/// it gives for the other four outputs of a pair of groups: eight neighbours.
Value ContractWgmma::neighbours(ValueRange sums, int64_t eight, Value odd) {
  Values kept, got;
  for (int64_t i = 0; i < 4; ++i) {
    size_t at = size_t(i / 2) * sums.size() / 2 + 4 * eight + 2 * (i % 2);
    kept.push_back(b.select(odd, sums[at + 1], sums[at]));
    got.push_back(b.shuffleXor(b.select(odd, sums[at], sums[at + 1]), 4));
  }
  Values all;
  for (int64_t i = 0; i < 4; ++i)
    all.push_back(b.select(odd, got[i], kept[i]));
  for (int64_t i = 0; i < 4; ++i)
    all.push_back(b.select(odd, kept[i], got[i]));
  return vectorOf(b, all);
}

void ContractWgmma::finish(Value column, const Contraction::Tile &at,
                           ValueRange sums) {
  Value half = b.rem(group, b.index(2)), odd = b.eq(half, b.index(1));
  Value own = b.add(b.mul(b.warp(), b.index(kPanel)),
                    b.mul(b.div(group, b.index(2)), b.index(8)));
  Value first = b.add(at.first, b.add(b.mul(quad, b.index(2)), half));
  for (int64_t eight = 0; eight < rows / 8; ++eight) {
    Value outputs = neighbours(sums, eight, odd);
    Value number = b.add(first, b.index(8 * eight));
    b.when(b.lt(number, at.end), [&] {
      c.finish(outputs, expert, c.place(number), b.add(column, own));
    });
  }
}

void ContractWgmma::tile(Value column, const Contraction::Tile &at) {
  Value lane = b.rem(b.thread(), b.index(kWarp));
  quad = b.rem(lane, b.index(4)), group = b.div(lane, b.index(4));
  expert = at.expert;
  panel = b.add(b.div(column, b.index(kPanel)), b.warp());
  if (c.panels % kWarps != 0)
    panel = b.min(panel, b.index(c.panels - 1)); // Nothing stores these.
  ring->begin(at);
  Values carried(rows, b.f32(0.0));
  carried.append(loadWeights(b.index(0)));
  WgmmaRing::Turn turn = ring->first();
  carried.append({turn.stage, turn.parity});
  carried = b.loop(b.index(0), b.index(ring->steps()), b.index(1), carried,
                   [&](Value number, ValueRange values) {
                     return step(number, values);
                   });
  finish(column, at, ValueRange(carried).take_front(rows));
}

/// Fewer blocks than the schedule wants are not worth it.
void braid::emitContractWgmma(Contraction &contraction,
                              ArrayRef<int64_t> tile) {
  GPUEmitter &b = contraction.b;
  Value places = b.mul(contraction.rows, b.index(contraction.choices));
  Value tiles = b.div(b.add(places, b.index(tile[0] - 1)), b.index(tile[0]));
  int64_t columns = llvm::divideCeil(contraction.n, ContractWgmma::kColumns);
  b.when(
      b.lt(b.mul(tiles, b.index(columns)), b.index(tile[2])),
      [&] { emitContractMma(contraction, {64, 64, 0}); },
      [&] {
        b.part = "wgmma";
        ContractWgmma(contraction, tile[0]).emit();
      });
}
