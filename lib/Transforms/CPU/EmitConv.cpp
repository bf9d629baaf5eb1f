//===- EmitConv.cpp - the causal depthwise convolution
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"

using namespace mlir;
using namespace braid;

namespace {
/// A strip of channels of one sequence: the last K-1 rows travel through the
/// loop over rows in registers; the pool is read before it and written after.
struct ConvStrip {
  Emitter &b;
  CausalConvOp op;
  Value sequence, channel;
  int64_t count, taps;

  Value history(Value slot, Value fresh, int64_t j) {
    Value stored = b.loadVector(
        op.getPool(), {op.getOrdinal(), slot, b.index(j), channel}, count);
    return b.select(fresh, b.splat(0.0, count), stored);
  }

  LoopBuilder::Values row(Value t, ValueRange window,
                          ArrayRef<Value> weights) {
    Value sum = op.getBias() ? b.loadVector(op.getBias(), {channel}, count)
                             : b.splat(0.0, count);
    LoopBuilder::Values rows(window.begin(), window.end());
    rows.push_back(b.loadVector(op.getX(), {t, channel}, count));
    for (auto [weight, value] : llvm::zip(weights, rows))
      sum = b.fma(weight, value, sum);
    b.storeVector(b.silu(sum), op.getInit(), {t, channel});
    rows.erase(rows.begin());
    return rows;
  }

  void emit() {
    Value slot = b.slot(sequence);
    Value fresh = b.eq(b.position(sequence), b.index(0));
    LoopBuilder::Values window, weights;
    for (int64_t j = 0; j < taps; ++j)
      weights.push_back(
          b.loadVector(op.getWeight(), {b.index(j), channel}, count));
    for (int64_t j = 0; j < taps - 1; ++j)
      window.push_back(history(slot, fresh, j));
    Value begin = b.rowBegin(sequence);
    Value end = b.rowBegin(b.add(sequence, b.index(1)));
    auto body = [&](Value t, ValueRange carried) {
      return row(t, carried, weights);
    };
    window = b.loop(begin, end, b.index(1), window, body);
    for (int64_t j = 0; j < taps - 1; ++j)
      b.storeVector(window[j], op.getPool(),
                    {op.getOrdinal(), slot, b.index(j), channel});
  }
};
} // namespace

void Emitter::emit(CausalConvOp op) {
  int64_t taps = cast<MemRefType>(op.getWeight().getType()).getDimSize(0);
  int64_t channels = cast<MemRefType>(op.getWeight().getType()).getDimSize(1);
  int64_t whole = channels / lanes, strips = llvm::divideCeil(channels, lanes);
  Value items = mul(sequences(), index(strips));
  parallelItems(items, 8, 0, [&](Value item, Value) {
    Value sequence = div(item, index(strips));
    Value strip = rem(item, index(strips));
    Value channel = mul(strip, index(lanes));
    auto rest = [&] {
      for (Piece piece : piecesOf(channels - whole * lanes, lanes))
        ConvStrip{*this, op, sequence,
                  index(whole * lanes + piece.offset), piece.lanes, taps}
            .emit();
    };
    if (whole == strips) {
      ConvStrip{*this, op, sequence, channel, lanes, taps}.emit();
      return;
    }
    when(
        lt(strip, index(whole)),
        [&] { ConvStrip{*this, op, sequence, channel, lanes, taps}.emit(); },
        rest);
  });
}
