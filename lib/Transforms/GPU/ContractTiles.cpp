//===- ContractTiles.cpp - contractions in f32, tile by tile
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// A block of 256 threads computes 64 x 64 outputs, a thread 4 x 4 of them. x and W go through
/// shared memory in steps of 16 inputs; while the threads multiply one step,
/// their loads of the next are under way. An output is one sum over K in
/// ascending order, the same for any number of rows.
class ContractTiles {
public:
  explicit ContractTiles(Contraction &c) : b(c.b), c(c) {
    xs = memory.reserve({kDepth, kSide + kPad}, b.getF32Type());
    ws = memory.reserve({kDepth, kSide + kPad}, b.getF32Type());
    xLanes = std::gcd(kEach, GPUEmitter::vectorLanes({c.x}, c.k));
  }
  void emit() {
    c.launch(kSide, kSide, memory,
             [&](Value column, const Contraction::Tile &at) {
               tile(column, at);
             });
  }

private:
  static constexpr int64_t kSide = 64, kDepth = 16, kEach = 4;
  /// Keeps vectors aligned and columns of x apart in the memory's banks.
  static constexpr int64_t kPad = 4;

  void tile(Value column, const Contraction::Tile &at);
  Values fetch(Value depth);
  Value fetchX(Value k);
  Value fetchW(Value pair);
  void stage(ValueRange fetched);
  Values multiply(ValueRange sums);
  Value orZero(Value exists, VectorType type, function_ref<Value()> load);

  GPUEmitter &b;
  Contraction &c;
  SharedMemory memory;
  size_t xs, ws;
  int64_t xLanes;
  // Of the running tile: shared memory, and what this thread brings.
  Value x, w, expert;
  Value xRow, xPlace, xDepth, wPanel, wColumn, wPair;
  // The first of its outputs' rows and columns in the tile.
  Value row, own;
};

} // namespace

void ContractTiles::tile(Value column, const Contraction::Tile &at) {
  x = b.shared(memory, xs), w = b.shared(memory, ws);
  expert = at.expert;
  Value last = b.sub(at.end, b.index(1));
  Value thread = b.thread();
  // Rows and panels beyond the last are read as the last; nothing stores them.
  auto rowAt = [&](Value offset) {
    return c.place(b.min(b.add(at.first, offset), last));
  };
  xPlace = b.div(thread, b.index(kDepth / kEach));
  xRow = rowAt(xPlace).x;
  xDepth = b.mul(b.rem(thread, b.index(kDepth / kEach)), b.index(kEach));
  int64_t words = kEach / c.kp;
  wPair = b.div(thread, b.index(kSide / words));
  wColumn = b.mul(b.rem(thread, b.index(kSide / words)), b.index(words));
  wPanel = b.min(b.div(b.add(column, wColumn), b.index(kPanel)),
                 b.index(c.panels - 1));

  Value side = b.index(kSide / kEach);
  row = b.mul(b.div(thread, side), b.index(kEach));
  own = b.mul(b.rem(thread, side), b.index(kEach));
  Value hasRows = b.lt(b.add(at.first, row), at.end);

  Values carried(kEach, b.splat(0.0, kEach));
  llvm::append_range(carried, fetch(b.index(0)));
  carried = b.loop(
      b.index(0), b.index(c.k), b.index(kDepth), carried,
      [&](Value depth, ValueRange values) {
        stage(values.drop_front(kEach));
        b.barrier();
        Values fetched = fetch(b.add(depth, b.index(kDepth)));
        ValueRange sums = values.take_front(kEach);
        Values next = b.choose(
            hasRows, sums.getTypes(), [&] { return multiply(sums); },
            [&] { return Values(sums); });
        b.barrier();
        llvm::append_range(next, fetched);
        return next;
      });

  for (int64_t i = 0; i < kEach; ++i) {
    Value offset = b.add(row, b.index(i));
    b.when(b.lt(b.add(at.first, offset), at.end), [&] {
      c.finish(carried[i], expert, rowAt(offset), b.add(column, own));
    });
  }
}

Value ContractTiles::orZero(Value exists, VectorType type,
                            function_ref<Value()> load) {
  return b.choose(exists, type, [&]() -> Values { return {load()}; },
                  [&]() -> Values {
                    return {arith::ConstantOp::create(b, b.getZeroAttr(type))};
                  })[0];
}

/// What a thread brings of the step that begins at `depth`, as stored.
Values ContractTiles::fetch(Value depth) {
  Values values;
  for (int64_t i = 0; i < kEach; i += xLanes)
    values.push_back(fetchX(b.add(b.add(depth, xDepth), b.index(i))));
  Value step = b.div(depth, b.index(c.kp));
  values.push_back(fetchW(b.add(step, wPair)));
  return values;
}

Value ContractTiles::fetchX(Value k) {
  Type element = cast<MemRefType>(c.x.getType()).getElementType();
  return orZero(b.lt(k, b.index(c.k)), VectorType::get({xLanes}, element),
                [&] { return b.loadRawAligned(c.x, {xRow, k}, xLanes); });
}

Value ContractTiles::fetchW(Value pair) {
  Type element = cast<MemRefType>(c.w.getType()).getElementType();
  Value inPanel = b.rem(wColumn, b.index(kPanel));
  int64_t outputs = kEach / c.kp;
  return orZero(b.lt(pair, b.index(c.pairs)), VectorType::get({kEach}, element),
                [&] {
                  return c.weights(expert, wPanel, pair, inPanel, outputs);
                });
}

/// Puts what was fetched into shared memory as f32, K outermost.
void ContractTiles::stage(ValueRange fetched) {
  for (int64_t i = 0; i < kEach; ++i) {
    Value values = b.widen(fetched[i / xLanes]);
    Value at = b.add(xDepth, b.index(i));
    b.store(vector::ExtractOp::create(b, values, i % xLanes), x, {at, xPlace});
  }
  Value both = b.widen(fetched.back());
  for (int64_t half = 0; half < c.kp; ++half) {
    SmallVector<int64_t> lanes;
    for (int64_t i = half; i < kEach; i += c.kp)
      lanes.push_back(i);
    Value at = b.add(b.mul(wPair, b.index(c.kp)), b.index(half));
    b.storeAligned(vector::ShuffleOp::create(b, both, both, lanes), w,
                   {at, wColumn});
  }
}

Values ContractTiles::multiply(ValueRange sums) {
  Values result(sums);
  for (int64_t k = 0; k < kDepth; ++k) {
    Value xk = b.loadAligned(x, {b.index(k), row}, kEach);
    Value wk = b.loadAligned(w, {b.index(k), own}, kEach);
    for (int64_t i = 0; i < kEach; ++i) {
      Value scalar = vector::ExtractOp::create(b, xk, i);
      result[i] = b.fma(b.splat(scalar, kEach), wk, result[i]);
    }
  }
  return result;
}

void braid::emitContractTiles(Contraction &contraction) {
  ContractTiles(contraction).emit();
}
