//===- EmitNorm.cpp - row-wise kernels: gather_rows, rms_norm, tap
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace braid;

/// Rows per slice, so that a slice has at least some thousand elements.
static int64_t rowGrain(int64_t width) {
  return std::max<int64_t>(1, 8192 / width);
}

static int64_t widthOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getShape().back();
}

void Emitter::emit(GatherRowsOp op) {
  int64_t width = widthOf(op.getInit());
  parallelItems(dim(op.getInit(), 0), rowGrain(width), 0,
                [&](Value row, Value) {
    Value id = toIndex(load(op.getIds(), {row}));
    pieces(width, lanes, [&](Value column, int64_t count) {
      storeVector(loadVector(op.getTable(), {id, column}, count), op.getInit(),
                  {row, column});
    });
  });
}

void Emitter::emit(TapOp op) {
  int64_t width = widthOf(op.getX());
  Value wanted = lt(index(0), dim(op.getHidden(), 0));
  when(wanted, [&] {
    parallelItems(dim(op.getX(), 0), rowGrain(width), 0, [&](Value row, Value) {
      pieces(width, lanes, [&](Value column, int64_t count) {
        storeVector(loadVector(op.getX(), {row, column}, count), op.getHidden(),
                    {op.getLayer(), row, column});
      });
    });
  });
}

namespace {
/// One row of a norm: the (gated) values of a group go to scratch with their
/// squares summed, then come back scaled.
struct NormRow {
  Emitter &b;
  RmsNormOp op;
  Value row, scratch;

  Value squares(Value base, int64_t width) {
    Value total = b.f32(0);
    SmallVector<Value> whole;
    int64_t vectors = width / b.lanes;
    if (vectors > 0) {
      Value sums =
          b.loop(b.index(0), b.index(vectors * b.lanes), b.index(b.lanes),
                 ValueRange{b.splat(0.0, b.lanes)},
                 [&](Value at, ValueRange carried) {
                   Value v = value(b.add(base, at), b.lanes);
                   return LoopBuilder::Values{b.fma(v, v, carried[0])};
                 })[0];
      total = b.sumLanes(sums);
    }
    for (Piece piece : piecesOf(width - vectors * b.lanes, b.lanes)) {
      Value at = b.index(vectors * b.lanes + piece.offset);
      Value v = value(b.add(base, at), piece.lanes);
      total = b.add(total, b.sumLanes(b.mul(v, v)));
    }
    return total;
  }

  Value value(Value column, int64_t count) {
    Value v = b.loadVector(op.getX(), {row, column}, count);
    if (op.getGate())
      v = b.mul(v, b.silu(b.loadVector(op.getGate(), {row, column}, count)));
    b.storeVector(v, scratch, {column});
    return v;
  }

  void scale(Value base, int64_t width, Value factor) {
    Type element = cast<MemRefType>(op.getInit().getType()).getElementType();
    b.pieces(width, b.lanes, [&](Value at, int64_t count) {
      Value column = b.add(base, at);
      Value v = b.mul(b.loadVector(scratch, {column}, count),
                      b.splat(factor, count));
      v = b.widen(b.narrow(v, element));
      b.storeVector(b.mul(b.loadVector(op.getWeight(), {column}, count), v),
                    op.getInit(), {row, column});
    });
  }
};
} // namespace

void Emitter::emit(RmsNormOp op) {
  int64_t width = widthOf(op.getInit()), groups = op.getGroups();
  int64_t group = width / groups;
  Scratch buffers;
  size_t values = buffers.reserve({width}, getF32Type());
  parallelItems(dim(op.getX(), 0), rowGrain(width), buffers.bytes(),
                [&](Value row, Value memory) {
    NormRow norm{*this, op, row, buffers.get(*this, memory, values)};
    loop(index(0), index(groups), [&](Value g) {
      Value base = mul(g, index(group));
      Value mean = mul(norm.squares(base, group), f32(1.0 / double(group)));
      Value root = math::SqrtOp::create(
          *this, add(mean, f32(op.getEps().convertToDouble())));
      norm.scale(base, group, div(f32(1.0), root));
    });
  });
}
