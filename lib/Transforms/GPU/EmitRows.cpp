//===- EmitRows.cpp - ops on a GPU that take each row for itself
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RowProducer.h"
#include <numeric>

using namespace mlir;
using namespace braid;

namespace {

/// Launches threads over all vectors of `rows` rows; `body(row, column)` is what
/// one of them does. A row is cut into blocks, so that even a single one of a
/// decode step is read by more than one multiprocessor.
void forEachVector(GPUEmitter &b, Value rows, int64_t width, int64_t lanes,
                   function_ref<void(Value, Value)> body) {
  int64_t vectors = width / lanes;
  int64_t blocks = llvm::divideCeil(vectors, b.threads);
  b.launch(rows, b.index(blocks), SharedMemory(), [&](Value row, Value piece) {
    Value vector = b.add(b.mul(piece, b.index(b.threads)), b.thread());
    auto run = [&] { body(row, b.mul(vector, b.index(lanes))); };
    if (vectors % b.threads == 0)
      run();
    else
      b.when(b.lt(vector, b.index(vectors)), run);
  });
}

int64_t widthOf(Value rows) {
  return cast<MemRefType>(rows.getType()).getShape().back();
}

} // namespace

void GPUEmitter::emit(GatherRowsOp op) {
  int64_t width = widthOf(op.getInit());
  int64_t lanes = vectorLanes({op.getTable(), op.getInit()}, width);
  forEachVector(*this, dim(op.getInit(), 0), width, lanes,
                [&](Value row, Value column) {
    Value id = toIndex(load(op.getIds(), {row}));
    storeAligned(loadAligned(op.getTable(), {id, column}, lanes), op.getInit(),
                 {row, column});
  });
}

void GPUEmitter::emit(TapOp op) {
  int64_t width = widthOf(op.getX());
  // The dump is the caller's, and allocators align to 16 bytes: four f32.
  int64_t lanes =
      std::gcd(vectorLanes({op.getX(), op.getHidden()}, width), 4);
  // The host knows whether anybody asks: mostly there is no launch.
  when(lt(index(0), dim(op.getHidden(), 0)), [&] {
    forEachVector(*this, dim(op.getX(), 0), width, lanes,
                  [&](Value row, Value column) {
      storeAligned(loadAligned(op.getX(), {row, column}, lanes),
                   op.getHidden(), {op.getLayer(), row, column});
    });
  });
}

namespace {

/// The sum over the chosen experts.
class CombinedRows : public RowProducer {
public:
  CombinedRows(GPUEmitter &b, CombineExpertsOp op)
      : b(b), op(op),
        k(cast<MemRefType>(op.getParts().getType()).getDimSize(1)) {}

  Value result() override { return op.getInit(); }
  int64_t lanes() override {
    return GPUEmitter::vectorLanes({op.getParts(), op.getInit()},
                                   widthOf(op.getInit()));
  }

  /// All parts of a vector are under way before the first is added.
  Value at(Value row, Value column, int64_t lanes) override {
    Values parts, weights;
    for (int64_t j = 0; j < k; ++j) {
      parts.push_back(
          b.loadAligned(op.getParts(), {row, b.index(j), column}, lanes));
      weights.push_back(b.load(op.getWeights(), {row, b.index(j)}));
    }
    Value sum = b.splat(0.0, lanes);
    for (auto [part, weight] : llvm::zip_equal(parts, weights))
      sum = b.fma(b.splat(weight, lanes), part, sum);
    return sum;
  }

private:
  GPUEmitter &b;
  CombineExpertsOp op;
  int64_t k;
};

} // namespace

void GPUEmitter::emit(CombineExpertsOp op) {
  CombinedRows rows(*this, op);
  forEachVector(*this, dim(op.getParts(), 0), widthOf(op.getInit()),
                rows.lanes(), [&](Value row, Value column) {
    storeAligned(rows.at(row, column, rows.lanes()), op.getInit(),
                 {row, column});
  });
}

std::unique_ptr<RowProducer> braid::makeCombinedRows(GPUEmitter &b,
                                                     CombineExpertsOp op) {
  return std::make_unique<CombinedRows>(b, op);
}

std::unique_ptr<RowProducer> RowProducer::create(GPUEmitter &b,
                                                 Operation *op) {
  if (auto norm = dyn_cast_or_null<RmsNormOp>(op))
    return makeNormRows(b, norm);
  if (auto combine = dyn_cast_or_null<CombineExpertsOp>(op))
    return makeCombinedRows(b, combine);
  return nullptr;
}
