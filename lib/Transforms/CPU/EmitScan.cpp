//===- EmitScan.cpp - the Mamba-2 scan: recurrence and chunked matrix form
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "braid/Transforms/TimeStep.h"

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// Chunks with at least this many rows take the matrix form.
constexpr int64_t kChunkedFrom = 8;
/// Rows of a register tile in the chunk products.
constexpr int64_t kTile = 4;

/// Emits the scan for one group of heads of one sequence per work item. The
/// products of a chunk (semantics 3.5), with S stored [N, P]:
///   CB[i,j] = C_i . B_j                          once per group
///   W[i,j]  = CB[i,j] exp(gap_ij) d_j            j <= i
///   y_i     = W x + exp(a_i) (C_i S) + D x_i
///   S       = exp(a_last) S + sum_j B_j outer (exp(gap_last,j) d_j x_j)
/// a_i is the sum of d A up to row i, gap_ij that of the rows after j up to i.
/// Gaps are summed up row by row rather than taken as a_i - a_j, which loses
/// the small steps behind a large one, and is NaN where both are -inf.
class ScanEmitter {
public:
  ScanEmitter(Emitter &b, SsdScanOp op);
  void emit();

private:
  void group(Value sequence, Value g, Value memory);
  void recurrence(Value head, Value begin, Value end);
  void chunks(Value g, Value begin, Value end, Value position);
  void loadGroup(Value first, Value rows, Value g);
  void formCB(Value rows);
  void eachHead(Value g, function_ref<void(Value)> body);
  void head(Value head, Value first, Value rows);
  Value decays(Value head, Value first, Value rows);
  void output(Value head, Value first, Value rows);
  void weightsOfRow(Value row, Value rate);
  void scaleInputs(Value rows);
  void updateState(Value head, Value rows, Value last);
  void clearState(Value head);

  Value stateRow(Value head, Value n, Piece piece) {
    return b.loadVector(op.getPool(), state(head, n, piece), piece.lanes);
  }
  Values state(Value head, Value n, Piece piece) {
    return {op.getOrdinal(), slot, head, n, b.index(piece.offset)};
  }
  /// Column of x and y.
  Value column(Value head, Piece piece) {
    return b.add(b.mul(head, b.index(headDim)), b.index(piece.offset));
  }

  Emitter &b;
  SsdScanOp op;
  int64_t heads, stateSize, headDim, groups, chunk, padded;
  SmallVector<Piece> headPieces;
  Scratch buffers;
  size_t cbBuffer, btBuffer, bBuffer, cBuffer, wBuffer, xBuffer, scaledBuffer,
      aBuffer, dBuffer, gapBuffer;
  Value slot, cb, bt, bRows, cRows, w, x, scaled, a, d, gap;
};

} // namespace

ScanEmitter::ScanEmitter(Emitter &b, SsdScanOp op) : b(b), op(op) {
  auto pool = cast<MemRefType>(op.getPool().getType());
  heads = pool.getDimSize(2);
  stateSize = pool.getDimSize(3);
  headDim = pool.getDimSize(4);
  groups = cast<MemRefType>(op.getB().getType()).getDimSize(1) / stateSize;
  chunk = op.getChunk();
  padded = llvm::alignTo(chunk, std::max<int64_t>(b.lanes, kTile));
  headPieces = piecesOf(headDim, b.lanes);
  Type f32 = b.getF32Type();
  cbBuffer = buffers.reserve({padded, padded}, f32);
  btBuffer = buffers.reserve({stateSize, padded}, f32);
  bBuffer = buffers.reserve({padded, stateSize}, f32);
  cBuffer = buffers.reserve({padded, stateSize}, f32);
  wBuffer = buffers.reserve({kTile, padded}, f32);
  xBuffer = buffers.reserve({padded, headDim}, f32);
  scaledBuffer = buffers.reserve({padded, headDim}, f32);
  aBuffer = buffers.reserve({padded}, f32);
  dBuffer = buffers.reserve({padded}, f32);
  gapBuffer = buffers.reserve({padded}, f32);
}

/// The state passes by once per row, all of a head's columns side by side.
void ScanEmitter::recurrence(Value head, Value begin, Value end) {
  Value g = b.div(head, b.index(heads / groups));
  Value rate = b.load(op.getA(), {head}), skip = b.load(op.getD(), {head});
  b.loop(begin, end, [&](Value t) {
    Value step = timeStep(b, op, t, head);
    Value decay = b.exp(b.mul(step, rate));
    Values xs, scaledX;
    for (Piece piece : headPieces) {
      xs.push_back(b.loadVector(op.getX(), {t, column(head, piece)},
                                piece.lanes));
      scaledX.push_back(b.mul(xs.back(), b.splat(step, piece.lanes)));
    }
    Value base = b.mul(g, b.index(stateSize));
    Values sums = b.loop(
        b.index(0), b.index(stateSize), b.index(1), b.zeros(1, headPieces),
        [&](Value n, ValueRange carried) {
          Value at = b.add(base, n);
          Value bn = b.widen(b.load(op.getB(), {t, at}));
          Value cn = b.widen(b.load(op.getC(), {t, at}));
          Values result;
          for (auto [p, piece] : llvm::enumerate(headPieces)) {
            Value next = b.fma(b.splat(bn, piece.lanes), scaledX[p],
                               b.mul(stateRow(head, n, piece),
                                     b.splat(decay, piece.lanes)));
            b.storeVector(next, op.getPool(), state(head, n, piece));
            result.push_back(
                b.fma(b.splat(cn, piece.lanes), next, carried[p]));
          }
          return result;
        });
    for (auto [p, piece] : llvm::enumerate(headPieces))
      b.storeVector(b.fma(b.splat(skip, piece.lanes), xs[p], sums[p]),
                    op.getInit(), {t, column(head, piece)});
  });
}

void ScanEmitter::clearState(Value head) {
  b.loop(b.index(0), b.index(stateSize), [&](Value n) {
    for (Piece piece : headPieces)
      b.storeVector(b.splat(0.0, piece.lanes), op.getPool(),
                    state(head, n, piece));
  });
}

/// B and C of the chunk in f32, and B transposed; rows beyond the chunk stay
/// whatever they were, as nothing that depends on them is used.
void ScanEmitter::loadGroup(Value first, Value rows, Value g) {
  Value base = b.mul(g, b.index(stateSize));
  b.loop(b.index(0), rows, [&](Value i) {
    Value t = b.add(first, i);
    b.pieces(stateSize, b.lanes, [&](Value n, int64_t count) {
      Value at = b.add(base, n);
      b.storeVector(b.loadVector(op.getB(), {t, at}, count), bRows, {i, n});
      b.storeVector(b.loadVector(op.getC(), {t, at}, count), cRows, {i, n});
    });
    b.loop(b.index(0), b.index(stateSize), [&](Value n) {
      b.store(b.load(bRows, {i, n}), bt, {n, i});
    });
  });
}

void ScanEmitter::formCB(Value rows) {
  Value lanes = b.index(b.lanes);
  b.tiles(b.index(0), rows, kTile, [&](Value i, int64_t count) {
    Value columns = b.add(i, b.index(count));
    b.loop(b.index(0), columns, lanes, [&](Value j) {
      Piece block{0, b.lanes};
      Values sums = b.accumulate(
          count, block, b.index(0), b.index(stateSize), b.zeros(count, block),
          [&](int64_t r, Value n) {
            return b.load(cRows, {b.add(i, b.index(r)), n});
          },
          [&](Value n, Piece) { return b.loadVector(bt, {n, j}, b.lanes); });
      for (int64_t r = 0; r < count; ++r)
        b.storeVector(sums[r], cb, {b.add(i, b.index(r)), j});
    });
  });
}

/// Fills a (inclusive cumulative sum of d A), d and x; returns a of the last
/// row.
Value ScanEmitter::decays(Value head, Value first, Value rows) {
  Value rate = b.load(op.getA(), {head});
  Value last = b.loop(b.index(0), rows, b.index(1), ValueRange{b.f32(0)},
                      [&](Value i, ValueRange carried) {
                        Value t = b.add(first, i);
                        Value step = timeStep(b, op, t, head);
                        Value sum = b.fma(step, rate, carried[0]);
                        b.store(sum, a, {i});
                        b.store(step, d, {i});
                        for (Piece piece : headPieces)
                          b.storeVector(
                              b.loadVector(op.getX(), {t, column(head, piece)},
                                           piece.lanes),
                              x, {i, b.index(piece.offset)});
                        return Values{sum};
                      })[0];
  return last;
}

/// Row r of a tile of W, for the columns [0, row]; moves the gaps on to it. The
/// loop also visits columns right of the diagonal, which nothing reads.
void ScanEmitter::weightsOfRow(Value row, Value rate) {
  Value r = b.rem(row, b.index(kTile)), step = b.load(d, {row});
  Value fall = b.splat(b.mul(step, rate), b.lanes);
  b.loop(b.index(0), row, b.index(b.lanes), [&](Value j) {
    Value sum = b.add(b.loadVector(gap, {j}, b.lanes), fall);
    b.storeVector(sum, gap, {j});
    Value weight = b.mul(b.loadVector(cb, {row, j}, b.lanes),
                         b.mul(b.exp(sum), b.loadVector(d, {j}, b.lanes)));
    b.storeVector(weight, w, {r, j});
  });
  b.store(b.f32(0), gap, {row});
  b.store(b.mul(b.load(cb, {row, row}), step), w, {r, row});
}

void ScanEmitter::output(Value head, Value first, Value rows) {
  Value skip = b.load(op.getD(), {head}), rate = b.load(op.getA(), {head});
  auto xAt = [&](Value j, Piece piece) {
    return b.loadVector(x, {j, b.index(piece.offset)}, piece.lanes);
  };
  b.tiles(b.index(0), rows, kTile, [&](Value i, int64_t count) {
    for (int64_t r = 0; r < count; ++r)
      weightsOfRow(b.add(i, b.index(r)), rate);
    Values sums = b.accumulate(
        count, headPieces, b.index(0), b.index(stateSize),
        b.zeros(count, headPieces),
        [&](int64_t r, Value n) {
          return b.load(cRows, {b.add(i, b.index(r)), n});
        },
        [&](Value n, Piece piece) { return stateRow(head, n, piece); });
    for (int64_t r = 0; r < count; ++r) {
      Value row = b.add(i, b.index(r));
      Value decay = b.exp(b.load(a, {row}));
      for (auto [p, piece] : llvm::enumerate(headPieces)) {
        Value &sum = sums[r * headPieces.size() + p];
        sum = b.fma(b.splat(skip, piece.lanes), xAt(row, piece),
                    b.mul(sum, b.splat(decay, piece.lanes)));
      }
    }
    Value tileRow = b.rem(i, b.index(kTile));
    auto weight = [&](int64_t r, Value j) {
      return b.load(w, {b.add(tileRow, b.index(r)), j});
    };
    sums = b.accumulate(count, headPieces, b.index(0), i, sums, weight, xAt);
    // The triangle on the diagonal; a zero weight would not keep out a NaN.
    for (int64_t r = 0; r < count; ++r)
      for (int64_t q = 0; q <= r; ++q)
        for (auto [p, piece] : llvm::enumerate(headPieces)) {
          Value j = b.add(i, b.index(q));
          Value &sum = sums[r * headPieces.size() + p];
          sum = b.fma(b.splat(weight(r, j), piece.lanes), xAt(j, piece), sum);
        }
    for (int64_t r = 0; r < count; ++r)
      for (auto [p, piece] : llvm::enumerate(headPieces))
        b.storeVector(sums[r * headPieces.size() + p], op.getInit(),
                      {b.add(b.add(first, i), b.index(r)),
                       column(head, piece)});
  });
}

/// What each row adds to the state, once the gaps are those of the last row.
void ScanEmitter::scaleInputs(Value rows) {
  b.loop(b.index(0), rows, [&](Value i) {
    Value weight = b.mul(b.exp(b.load(gap, {i})), b.load(d, {i}));
    for (Piece piece : headPieces) {
      Value at = b.index(piece.offset);
      b.storeVector(b.mul(b.loadVector(x, {i, at}, piece.lanes),
                          b.splat(weight, piece.lanes)),
                    scaled, {i, at});
    }
  });
}

void ScanEmitter::updateState(Value head, Value rows, Value last) {
  Value decay = b.exp(last);
  b.tiles(b.index(0), b.index(stateSize), kTile, [&](Value n, int64_t count) {
    Values sums;
    for (int64_t r = 0; r < count; ++r)
      for (Piece piece : headPieces)
        sums.push_back(b.mul(stateRow(head, b.add(n, b.index(r)), piece),
                             b.splat(decay, piece.lanes)));
    sums = b.accumulate(
        count, headPieces, b.index(0), rows, sums,
        [&](int64_t r, Value j) {
          return b.load(bRows, {j, b.add(n, b.index(r))});
        },
        [&](Value j, Piece piece) {
          return b.loadVector(scaled, {j, b.index(piece.offset)}, piece.lanes);
        });
    for (int64_t r = 0; r < count; ++r)
      for (auto [p, piece] : llvm::enumerate(headPieces))
        b.storeVector(sums[r * headPieces.size() + p], op.getPool(),
                      state(head, b.add(n, b.index(r)), piece));
  });
}

void ScanEmitter::head(Value head, Value first, Value rows) {
  Value last = decays(head, first, rows);
  output(head, first, rows);
  scaleInputs(rows);
  updateState(head, rows, last);
}

/// Chunks end at multiples of Q of the absolute position, so that a prompt
/// gives the same sums however it is cut into steps at such positions.
void ScanEmitter::chunks(Value g, Value begin, Value end, Value position) {
  Value q = b.index(chunk);
  Value lead = b.rem(position, q); // Rows of the first chunk already done.
  Value total = b.add(b.sub(end, begin), lead);
  Value count = b.div(b.add(total, b.index(chunk - 1)), q);
  b.loop(b.index(0), count, [&](Value i) {
    Value lo = b.max(b.add(begin, b.sub(b.mul(i, q), lead)), begin);
    Value next = b.mul(b.add(i, b.index(1)), q);
    Value hi = b.min(b.add(begin, b.sub(next, lead)), end);
    Value rows = b.sub(hi, lo);
    b.when(
        b.lt(rows, b.index(kChunkedFrom)),
        [&] { eachHead(g, [&](Value h) { recurrence(h, lo, hi); }); },
        [&] {
          loadGroup(lo, rows, g);
          formCB(rows);
          eachHead(g, [&](Value h) { head(h, lo, rows); });
        });
  });
}

void ScanEmitter::eachHead(Value g, function_ref<void(Value)> body) {
  Value perGroup = b.index(heads / groups);
  Value firstHead = b.mul(g, perGroup);
  b.loop(b.index(0), perGroup, [&](Value h) { body(b.add(firstHead, h)); });
}

void ScanEmitter::group(Value sequence, Value g, Value memory) {
  slot = b.slot(sequence);
  Value begin = b.rowBegin(sequence);
  Value end = b.rowBegin(b.add(sequence, b.index(1)));
  Value position = b.position(sequence);
  b.when(b.eq(position, b.index(0)),
         [&] { eachHead(g, [&](Value h) { clearState(h); }); });
  auto buffer = [&](size_t number) { return buffers.get(b, memory, number); };
  cb = buffer(cbBuffer), bt = buffer(btBuffer), bRows = buffer(bBuffer);
  cRows = buffer(cBuffer), w = buffer(wBuffer), x = buffer(xBuffer);
  scaled = buffer(scaledBuffer), a = buffer(aBuffer), d = buffer(dBuffer);
  gap = buffer(gapBuffer);
  chunks(g, begin, end, position);
}

void ScanEmitter::emit() {
  Value items = b.mul(b.sequences(), b.index(groups));
  b.parallelItems(items, 1, buffers.bytes(), [&](Value item, Value memory) {
    group(b.div(item, b.index(groups)), b.rem(item, b.index(groups)), memory);
  });
}

void Emitter::emit(SsdScanOp op) { ScanEmitter(*this, op).emit(); }
