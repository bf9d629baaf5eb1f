//===- EmitNorm.cpp - rms_norm on a GPU: a block of threads per group of a row
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NormElements.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace braid;

NormElements::NormElements(GPUEmitter &b, RmsNormOp op)
    : b(b), op(op), groups(op.getGroups()),
      width(cast<MemRefType>(op.getInit().getType()).getShape().back() /
            groups),
      threads(cast<GPUScheduleAttr>(scheduleOf(op)).getThreads()) {
  SmallVector<Value> buffers = {op.getX(), op.getWeight(), op.getInit()};
  if (op.getGate())
    buffers.push_back(op.getGate());
  lanes = GPUEmitter::vectorLanes(buffers, width);
}

Value NormElements::load(Value row, Value column, int64_t lanes) {
  Value v = b.loadAligned(op.getX(), {row, column}, lanes);
  if (op.getGate())
    v = b.mul(v, b.silu(b.loadAligned(op.getGate(), {row, column}, lanes)));
  return v;
}

Value NormElements::factor(Value total) {
  Value mean = b.mul(total, b.f32(1.0 / double(width)));
  Value eps = b.f32(op.getEps().convertToDouble());
  Value root = math::SqrtOp::create(b, b.add(mean, eps));
  return b.div(b.f32(1.0), root);
}

Value NormElements::scale(Value v, Value factor, Value column) {
  int64_t count = lanesOf(v);
  Type element = cast<MemRefType>(op.getInit().getType()).getElementType();
  Value n = b.widen(b.narrow(b.mul(v, b.splat(factor, count)), element));
  return b.mul(b.loadAligned(op.getWeight(), {column}, count), n);
}

namespace {

/// The elements of a group go round the threads in vectors, each of which is
/// read once and stays in registers until the sum of squares is known.
struct NormGroup : NormElements {
  NormGroup(GPUEmitter &b, RmsNormOp op) : NormElements(b, op) {}
  Value row, base;

  Value column(int64_t piece) {
    Value vector = b.add(b.thread(), b.index(piece * threads));
    return b.add(base, b.mul(vector, b.index(lanes)));
  }
  /// Whether the thread has a vector of that number.
  Value exists(int64_t piece) {
    return b.lt(b.add(b.thread(), b.index(piece * threads)),
                b.index(width / lanes));
  }

  Value loadPiece(int64_t piece) {
    auto read = [&]() -> LoopBuilder::Values {
      return {load(row, column(piece), lanes)};
    };
    if (always(piece))
      return read()[0];
    auto type = VectorType::get({lanes}, b.getF32Type());
    return b.choose(exists(piece), type, read, [&]() -> LoopBuilder::Values {
      return {b.splat(0.0, lanes)};
    })[0];
  }

  void storePiece(Value v, Value factor, int64_t piece) {
    auto write = [&] {
      Value at = column(piece);
      b.storeAligned(scale(v, factor, at), op.getInit(), {row, at});
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
      values.push_back(loadPiece(piece));
      squares = b.fma(values.back(), values.back(), squares);
    }
    Value total = b.blockSum(b.sumLanes(squares), partial);
    Value scaling = factor(total);
    for (int64_t piece = 0; piece < pieces(); ++piece)
      storePiece(values[piece], scaling, piece);
  }
};

} // namespace

void GPUEmitter::emit(RmsNormOp op) {
  NormGroup norm(*this, op);
  SharedMemory memory;
  size_t partial = memory.reserve({threads / kWarp}, getF32Type());
  launch(dim(op.getX(), 0), index(norm.groups), memory,
         [&](Value row, Value group) {
           norm.row = row, norm.base = mul(group, index(norm.width));
           norm.emit(shared(memory, partial));
         });
}
