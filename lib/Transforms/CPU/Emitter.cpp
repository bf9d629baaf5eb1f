//===- Emitter.cpp - what all emitters share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "braid/Transforms/StepFields.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace braid;

SmallVector<Piece> braid::piecesOf(int64_t width, int64_t lanes) {
  SmallVector<Piece> pieces;
  for (int64_t at = 0; at < width;) {
    int64_t piece =
        std::min<int64_t>(lanes, llvm::bit_floor(uint64_t(width - at)));
    pieces.push_back({at, piece});
    at += piece;
  }
  return pieces;
}

size_t Scratch::reserve(ArrayRef<int64_t> shape, Type element) {
  auto type = MemRefType::get(shape, element);
  int64_t bytes = type.getNumElements() * element.getIntOrFloatBitWidth() / 8;
  buffers.push_back({type, size});
  size += llvm::alignTo(bytes, 64);
  return buffers.size() - 1;
}

Value Scratch::get(LoopBuilder &b, Value memory, size_t number) const {
  auto [type, offset] = buffers[number];
  return memref::ViewOp::create(b, type, memory, b.index(offset), ValueRange());
}

void Emitter::parallel(Value n, int64_t grain, int64_t scratchBytes,
                       function_ref<void(Value, Value, Value)> body) {
  auto op = ParallelOp::create(*this, context, n, getI64IntegerAttr(grain),
                               getI64IntegerAttr(scratchBytes));
  auto bytes = MemRefType::get({ShapedType::kDynamic}, getI8Type());
  Block &block = op.getBody().emplaceBlock();
  block.addArguments({getIndexType(), getIndexType(), bytes},
                     {getLoc(), getLoc(), getLoc()});
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&block);
  body(block.getArgument(0), block.getArgument(1), block.getArgument(2));
  YieldOp::create(*this);
}

void Emitter::parallelItems(Value n, int64_t grain, int64_t scratchBytes,
                            function_ref<void(Value, Value)> body) {
  parallel(n, grain, scratchBytes, [&](Value lo, Value hi, Value memory) {
    loop(lo, hi, [&](Value i) { body(i, memory); });
  });
}

Value Emitter::sequences() { return StepFields(*this, context).sequences(); }
Value Emitter::rowBegin(Value sequence) {
  return StepFields(*this, context).rowBegin(sequence);
}
Value Emitter::position(Value sequence) {
  return StepFields(*this, context).position(sequence);
}
Value Emitter::slot(Value sequence) {
  return StepFields(*this, context).slot(sequence);
}

LoopBuilder::Values Emitter::zeros(int64_t rows, ArrayRef<Piece> pieces) {
  Values result;
  for (int64_t r = 0; r < rows; ++r)
    for (Piece piece : pieces)
      result.push_back(splat(0.0, piece.lanes));
  return result;
}

LoopBuilder::Values
Emitter::accumulate(int64_t rows, ArrayRef<Piece> pieces, Value lo, Value hi,
                    ValueRange init, function_ref<Value(int64_t, Value)> a,
                    function_ref<Value(Value, Piece)> b) {
  return loop(lo, hi, index(1), init, [&](Value k, ValueRange sums) {
    Values vectors, result;
    for (Piece piece : pieces)
      vectors.push_back(b(k, piece));
    for (int64_t r = 0; r < rows; ++r) {
      Value scalar = a(r, k);
      for (auto [p, piece] : llvm::enumerate(pieces))
        result.push_back(fma(splat(scalar, piece.lanes), vectors[p],
                             sums[r * pieces.size() + p]));
    }
    return result;
  });
}

void Emitter::tiles(Value lo, Value hi, int64_t size,
                    function_ref<void(Value, int64_t)> tile) {
  Value at = lo;
  for (; size >= 1; size /= 2) {
    Value count = div(sub(hi, at), index(size));
    loop(index(0), count, [&](Value i) {
      tile(add(at, mul(i, index(size))), size);
    });
    at = add(at, mul(count, index(size)));
  }
}
