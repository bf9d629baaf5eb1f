//===- EmitNorm.cpp - rms_norm on a GPU: a block of threads per group of a row
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GPUEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace braid;

namespace {

/// The elements of a group go round the threads in vectors, each of which is
/// read once and stays in registers until the sum of squares is known.
struct NormGroup {
  GPUEmitter &b;
  RmsNormOp op;
  int64_t width, lanes;
  Value row, base;

  /// Vectors of a thread; of the last one only some threads have any.
  int64_t pieces() const {
    return llvm::divideCeil(width, lanes * b.threads);
  }
  Value column(int64_t piece) {
    Value vector = b.add(b.thread(), b.index(piece * b.threads));
    return b.add(base, b.mul(vector, b.index(lanes)));
  }
  /// Whether the thread has a vector of that number.
  Value exists(int64_t piece) {
    return b.lt(b.add(b.thread(), b.index(piece * b.threads)),
                b.index(width / lanes));
  }
  bool always(int64_t piece) const {
    return (piece + 1) * lanes * b.threads <= width;
  }

  Value load(int64_t piece) {
    auto read = [&]() -> LoopBuilder::Values {
      Value at = column(piece);
      Value v = b.loadAligned(op.getX(), {row, at}, lanes);
      if (op.getGate())
        v = b.mul(v, b.silu(b.loadAligned(op.getGate(), {row, at}, lanes)));
      return {v};
    };
    if (always(piece))
      return read()[0];
    auto type = VectorType::get({lanes}, b.getF32Type());
    return b.choose(exists(piece), type, read, [&]() -> LoopBuilder::Values {
      return {b.splat(0.0, lanes)};
    })[0];
  }

  void store(Value v, Value factor, int64_t piece) {
    auto write = [&] {
      Value at = column(piece);
      Type element = cast<MemRefType>(op.getInit().getType()).getElementType();
      Value n = b.widen(b.narrow(b.mul(v, b.splat(factor, lanes)), element));
      Value w = b.loadAligned(op.getWeight(), {at}, lanes);
      b.storeAligned(b.mul(w, n), op.getInit(), {row, at});
    };
    if (always(piece))
      write();
    else
      b.when(exists(piece), write);
  }

  void emit(Value partial) {
    LoopBuilder::Values values;
    Value squares = b.splat(0.0, lanes);
    for (int64_t piece = 0; piece < pieces(); ++piece) {
      values.push_back(load(piece));
      squares = b.fma(values.back(), values.back(), squares);
    }
    Value total = b.blockSum(b.sumLanes(squares), partial);
    Value mean = b.mul(total, b.f32(1.0 / double(width)));
    Value eps = b.f32(op.getEps().convertToDouble());
    Value root = math::SqrtOp::create(b, b.add(mean, eps));
    Value factor = b.div(b.f32(1.0), root);
    for (int64_t piece = 0; piece < pieces(); ++piece)
      store(values[piece], factor, piece);
  }
};

} // namespace

void GPUEmitter::emit(RmsNormOp op) {
  int64_t groups = op.getGroups();
  int64_t width =
      cast<MemRefType>(op.getInit().getType()).getShape().back() / groups;
  SmallVector<Value> buffers = {op.getX(), op.getWeight(), op.getInit()};
  if (op.getGate())
    buffers.push_back(op.getGate());
  int64_t lanes = vectorLanes(buffers, width);
  SharedMemory memory;
  size_t partial = memory.reserve({threads / 32}, getF32Type());
  launch(dim(op.getX(), 0), index(groups), memory, [&](Value row, Value group) {
    Value base = mul(group, index(width));
    NormGroup{*this, op, width, lanes, row, base}.emit(shared(memory, partial));
  });
}
