//===- EmitContract.cpp - contractions with packed weights
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CodedPanel.h"
#include "braid/Transforms/Lanewise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include <utility>

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Emits one packed contraction. Work is split into panels of 32 outputs; a
/// panel of weights stays in cache while all rows pass by it; coded ones are
/// decoded before, into the thread's scratch, unless there is one row. An output
/// element is one sum over K in ascending order, whatever the tile it falls into:
/// the result does not depend on the number of rows or threads.
class ContractEmitter {
public:
  ContractEmitter(Emitter &b, PackedContractOp op)
      : b(b), op(op), grouped(!op.getGroups().empty()),
        bf16Dot(b.schedule.getDot() == "bf16"), lanes(b.lanes),
        layout(*PackedLayout::of(
            op.getWeight().getType(),
            cast<MemRefType>(op.getX().getType()).getShape().back())) {
    auto packed = cast<MemRefType>(op.getWeight().getType());
    panels = packed.getShape().take_back(4)[0];
    // Coded weights become bf16 first, in pairs.
    kp = layout.isCoded() ? 2 : layout.kp;
    pairs = layout.inputs / kp;
    if (layout.isCoded())
      unpacked = scratch.reserve({pairs, kPanel * kp}, b.getBF16Type());
    n = cast<MemRefType>(op.getInit().getType()).getShape().back();
    // A register tile holds rows x columns accumulators.
    columns = std::min<int64_t>(kPanel, 2 * lanes);
    rows = b.schedule.getRows();
    if (lanes == 1)
      columns = kPanel / 8, rows = 1;
  }

  void emit();

private:
  /// Row numbers of one tile: where x is read and y (and extras) written.
  struct Rows {
    Values x, y;
  };

  /// A panel and the rows [begin, end) that pass by it.
  struct Item {
    Value expert, panel, begin, end;
  };

  void prepareOperands();
  Rows rowsAt(Value first, int64_t count);
  void emitDense();
  void emitGrouped();
  void unpack(Value panelIndex, Value memory);
  void panel(const Item &item, Value memory);
  void oneRow(ArrayRef<Item> items);
  void run(Value count, Value oneRowEach, function_ref<Item(Value)> itemAt);
  void tile(Value panelIndex, int64_t half, const Rows &at);
  Values step(Value panelIndex, int64_t half, const Rows &at, Value pair,
              ValueRange sums);
  Values block(Value panelIndex, const Rows &at, Value number, ValueRange sums);
  Values multiply(const Rows &at, Value k, ValueRange loaded, ValueRange sums);
  Values place(Value panelIndex);
  Value weights(Value panelIndex, Value pair, int64_t offset, int64_t count);
  Value scaled(Value sum, Value panelIndex, int64_t output);
  void finish(Value panelIndex, int64_t half, const Rows &at, Values sums);
  void storePiece(Value sum, Value row, Value column);
  Value epilogue(Value sum, Value row, Value column);

  Emitter &b;
  PackedContractOp op;
  bool grouped, bf16Dot;
  int64_t lanes;
  PackedLayout layout;
  int64_t panels, pairs, kp, n, columns, rows, choices = 1;
  Scratch scratch;
  size_t unpacked = 0;
  Value x, w, y, expert, order, panelPairs;
};

} // namespace

/// Joins the dimensions [first, first + 1] of a memref.
static Value collapse(LoopBuilder &b, Value memref, int64_t first) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < rank; ++i)
    if (i == first + 1)
      groups.back().push_back(i);
    else
      groups.push_back({i});
  return memref::CollapseShapeOp::create(b, memref, groups);
}

void ContractEmitter::prepareOperands() {
  x = op.getX();
  y = op.getInit();
  // [panel][pair][32 * kp], with the expert in front if grouped.
  w = collapse(b, op.getWeight(), grouped ? 3 : 2);
  if (!grouped)
    return;
  choices = cast<MemRefType>(op.getGroups()[0].getType()).getDimSize(1);
  order = collapse(b, op.getGroups()[0], 0);
  y = collapse(b, y, 0);
  if (!op.getGather())
    x = collapse(b, x, 0);
}

Value ContractEmitter::weights(Value panelIndex, Value pair, int64_t offset,
                               int64_t count) {
  if (layout.isCoded())
    return b.loadRaw(panelPairs, {pair, b.index(offset)}, count);
  Values at = place(panelIndex);
  at.append({pair, b.index(offset)});
  return b.loadRaw(w, at, count);
}

/// First indices of a panel of the weights.
Values ContractEmitter::place(Value panelIndex) {
  return grouped ? Values{expert, panelIndex} : Values{panelIndex};
}

void ContractEmitter::unpack(Value panelIndex, Value memory) {
  if (!layout.isCoded())
    return;
  panelPairs = scratch.get(b, memory, unpacked);
  CodedPanel(b, w, place(panelIndex), layout).unpack(panelPairs);
}

/// Two consecutive bf16 of a row of x, in every 32-bit lane.
static Value broadcastPair(LoopBuilder &b, Value x, Value row, Value k,
                           int64_t lanes) {
  Value pair = b.loadRaw(x, {row, k}, 2);
  Value word = vector::ExtractOp::create(
      b, vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                   pair),
      ArrayRef<int64_t>{0});
  return vector::BitCastOp::create(
      b, VectorType::get({2 * lanes}, b.getBF16Type()), b.splat(word, lanes));
}

Values ContractEmitter::step(Value panelIndex, int64_t half, const Rows &at,
                             Value pair, ValueRange sums) {
  int64_t vectors = columns / lanes;
  Value k = kp == 1 ? pair : b.mul(pair, b.index(kp));
  Values loaded;
  for (int64_t v = 0; v < vectors; ++v)
    loaded.push_back(weights(panelIndex, pair,
                             (half * columns + v * lanes) * kp, lanes * kp));
  return multiply(at, k, loaded, sums);
}

/// A block of inputs of a whole panel, decoded where it is multiplied.
Values ContractEmitter::block(Value panelIndex, const Rows &at, Value number,
                              ValueRange sums) {
  CodedPanel coded(b, w, place(panelIndex), layout);
  Value k = b.mul(number, b.index(layout.kBlock));
  Values result(sums);
  SmallVector<Values> pairs = coded.block(number);
  for (auto [i, loaded] : llvm::enumerate(pairs))
    result = multiply(at, b.add(k, b.index(int64_t(i) * kp)), loaded, result);
  return result;
}

/// Adds the products of the inputs from k on, of all vectors of outputs.
Values ContractEmitter::multiply(const Rows &at, Value k, ValueRange weights,
                                 ValueRange sums) {
  int64_t vectors = columns / lanes;
  Values loaded(weights);
  Values result(sums.begin(), sums.end());
  auto addProducts = [&](int64_t r, Value scalar, ArrayRef<Value> by) {
    for (int64_t v = 0; v < vectors; ++v)
      result[r * vectors + v] = b.fma(scalar, by[v], result[r * vectors + v]);
  };
  if (bf16Dot) {
    for (size_t r = 0; r < at.x.size(); ++r) {
      Value xs = broadcastPair(b, x, at.x[r], k, lanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = result[r * vectors + v];
        sum = x86vector::DotBF16Op::create(b, sum.getType(), sum, loaded[v], xs);
      }
    }
    return result;
  }
  if (kp == 1) {
    for (Value &vector : loaded)
      vector = b.widen(vector);
    for (size_t r = 0; r < at.x.size(); ++r)
      addProducts(r, b.splat(b.widen(b.load(x, {at.x[r], k})), lanes), loaded);
    return result;
  }
  Values even, odd;
  for (Value vector : loaded) {
    auto [first, second] = b.splitPairs(vector);
    even.push_back(first);
    odd.push_back(second);
  }
  // A pair of x is broadcast by the load and split like the weights; widening
  // scalars took four instructions more for each.
  for (size_t r = 0; r < at.x.size(); ++r) {
    auto [first, second] =
        b.splitPairs(broadcastPair(b, x, at.x[r], k, lanes));
    addProducts(r, first, even);
    addProducts(r, second, odd);
  }
  return result;
}

void ContractEmitter::tile(Value panelIndex, int64_t half, const Rows &at) {
  int64_t vectors = columns / lanes;
  Values init(at.x.size() * vectors, b.splat(0.0, lanes));
  Values sums = b.loop(b.index(0), b.index(pairs), b.index(1), init,
                       [&](Value pair, ValueRange carried) {
                         return step(panelIndex, half, at, pair, carried);
                       });
  finish(panelIndex, half, at, sums);
}

/// Re-emits the epilogue's scalar ops on vectors.
Value ContractEmitter::epilogue(Value sum, Value row, Value column) {
  int64_t count = lanesOf(sum);
  auto loaded = [&](Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    if (type.getRank() == 1)
      return b.loadRaw(memref, {column}, count);
    return b.loadRaw(memref, {row, column}, count);
  };
  Block &body = op.getEpilogue().front();
  Values arguments = {sum};
  for (Value extra : op.getExtras())
    arguments.push_back(loaded(extra));
  bool usesOld = !body.getArguments().back().use_empty();
  arguments.push_back(usesOld ? loaded(y) : Value());
  return emitLanewise(b, body, arguments, count);
}

void ContractEmitter::storePiece(Value sum, Value row, Value column) {
  b.storeVector(epilogue(sum, row, column), y, {row, column});
}

/// The sums of coded weights, times the scales of their outputs.
Value ContractEmitter::scaled(Value sum, Value panelIndex, int64_t output) {
  if (!layout.isCoded())
    return sum;
  CodedPanel coded(b, w, place(panelIndex), layout);
  return b.mul(sum, coded.scales(output));
}

/// Stores a tile; in the last panel only the columns that exist.
void ContractEmitter::finish(Value panelIndex, int64_t half, const Rows &at,
                             Values sums) {
  int64_t vectors = columns / lanes;
  Value base = b.add(b.mul(panelIndex, b.index(kPanel)),
                     b.index(half * columns));
  auto store = [&](int64_t valid) {
    for (size_t r = 0; r < at.y.size(); ++r)
      for (Piece piece : piecesOf(valid, lanes)) {
        int64_t vector = piece.offset / lanes;
        Value sum = scaled(sums[r * vectors + vector], panelIndex,
                           half * columns + vector * lanes);
        if (piece.lanes != lanes)
          sum = vector::ExtractStridedSliceOp::create(
              b, sum, ArrayRef<int64_t>{piece.offset % lanes},
              ArrayRef<int64_t>{piece.lanes}, ArrayRef<int64_t>{1});
        storePiece(sum, at.y[r], b.add(base, b.index(piece.offset)));
      }
  };
  int64_t rest = n % kPanel - half * columns; // Of the last panel, this half.
  if (n % kPanel == 0 || rest >= columns) {
    store(columns);
    return;
  }
  b.when(
      b.lt(panelIndex, b.index(panels - 1)), [&] { store(columns); },
      [&] { store(std::max<int64_t>(rest, 0)); });
}

/// All rows of an item, tile by tile.
void ContractEmitter::panel(const Item &item, Value memory) {
  expert = item.expert;
  auto parts = [&] {
    unpack(item.panel, memory);
    for (int64_t half = 0; half < kPanel / columns; ++half)
      b.tiles(item.begin, item.end, rows, [&](Value first, int64_t count) {
        tile(item.panel, half, rowsAt(first, count));
      });
  };
  // A tile may be as good for a single row, or `run` has seen to it.
  bool covered = columns == kPanel || !grouped;
  if ((covered && !layout.isCoded()) || lanes == 1)
    return parts();
  b.when(
      b.eq(b.sub(item.end, item.begin), b.index(1)), [&] { oneRow(item); },
      parts);
}

/// Rows of x and y of consecutive (sorted) rows.
ContractEmitter::Rows ContractEmitter::rowsAt(Value first, int64_t count) {
  Rows at;
  for (int64_t r = 0; r < count; ++r) {
    Value sorted = b.add(first, b.index(r));
    if (!grouped) {
      at.x.push_back(sorted);
      at.y.push_back(sorted);
      continue;
    }
    Value pair = b.toIndex(b.load(order, {sorted}));
    at.x.push_back(op.getGather() ? b.div(pair, b.index(choices)) : sorted);
    at.y.push_back(op.getGather() ? sorted : pair);
  }
  return at;
}

/// Panels with one row each, side by side: a sum waits for its latency, so one
/// panel alone does not keep enough loads under way to read at full speed. They
/// are taken whole, for weights to pass by once, and decoded on the way.
void ContractEmitter::oneRow(ArrayRef<Item> items) {
  int64_t before = std::exchange(columns, kPanel);
  size_t vectors = size_t(kPanel / lanes);
  SmallVector<Rows> at;
  for (const Item &item : items)
    at.push_back(rowsAt(item.begin, 1));
  Values init(items.size() * vectors, b.splat(0.0, lanes));
  bool coded = layout.isCoded();
  int64_t steps = coded ? layout.inputs / layout.kBlock : pairs;
  Values sums = b.loop(
      b.index(0), b.index(steps), b.index(1), init,
      [&](Value number, ValueRange carried) {
        Values result;
        for (auto [i, item] : llvm::enumerate(items)) {
          ValueRange own = carried.slice(i * vectors, vectors);
          expert = item.expert;
          result.append(coded ? block(item.panel, at[i], number, own)
                              : step(item.panel, 0, at[i], number, own));
        }
        return result;
      });
  for (auto [i, item] : llvm::enumerate(items)) {
    expert = item.expert;
    finish(item.panel, 0, at[i],
           Values(ArrayRef(sums).slice(i * vectors, vectors)));
  }
  columns = before;
}

/// Runs the items in parallel; two at once where no panel has several rows.
void ContractEmitter::run(Value count, Value oneRowEach,
                          function_ref<Item(Value)> itemAt) {
  bool pairable = !layout.isCoded() && lanes > 1;
  auto slice = [&](Value lo, Value hi, Value memory) {
    auto general = [&] {
      b.loop(lo, hi, [&](Value i) { panel(itemAt(i), memory); });
    };
    auto pairwise = [&] {
      b.tiles(lo, hi, 2, [&](Value first, int64_t size) {
        SmallVector<Item> items;
        for (int64_t i = 0; i < size; ++i)
          items.push_back(itemAt(b.add(first, b.index(i))));
        oneRow(items);
      });
    };
    pairable ? b.when(oneRowEach, pairwise, general) : general();
  };
  b.parallel(count, pairable ? 2 : 1, scratch.bytes(), slice);
}

void ContractEmitter::emitDense() {
  Value total = b.dim(x, 0);
  run(b.index(panels), b.eq(total, b.index(1)), [&](Value i) {
    return Item{Value(), i, b.index(0), total};
  });
}

void ContractEmitter::emitGrouped() {
  Value begin = op.getGroups()[1], active = op.getGroups()[2];
  Value experts = b.toIndex(b.load(active, {b.index(0)}));
  // No active expert is without rows: as many rows as experts is one row each.
  Value sortedRows = b.dim(order, 0);
  run(b.mul(experts, b.index(panels)), b.eq(experts, sortedRows), [&](Value i) {
    Value which = b.div(i, b.index(panels));
    Value number = b.toIndex(b.load(active, {b.add(which, b.index(1))}));
    Value first = b.toIndex(b.load(begin, {number}));
    Value last = b.toIndex(b.load(begin, {b.add(number, b.index(1))}));
    return Item{number, b.rem(i, b.index(panels)), first, last};
  });
}

void ContractEmitter::emit() {
  prepareOperands();
  if (grouped)
    emitGrouped();
  else
    emitDense();
}

void Emitter::emit(PackedContractOp op) { ContractEmitter(*this, op).emit(); }
