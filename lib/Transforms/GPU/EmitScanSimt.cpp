//===- EmitScanSimt.cpp - the matrix form of ssd_scan in f32 on a GPU
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitScanChunks.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

namespace {

/// Lanes of a vector in shared memory, whose rows are padded to whole ones.
constexpr int64_t kVector = 4;
/// Rows of W, and of y, that a thread computes at a time.
constexpr int64_t kWeightRows = 4, kOutputRows = 2;
/// Rows of a block's chunk. The products within a chunk grow with its length
/// and are paid for by each head; without tensor cores short chunks are best.
constexpr int64_t kMaxChunk = 32;

/// One block walks through the chunks of a sequence with its part of the state
/// in shared memory. In a chunk (semantics 3.5), with S stored [N, P]:
///   W[i,j]  = (C_i . B_j) exp(gap_ij) d_j        j <= i
///   y_i     = W x + exp(a_i) (C_i S) + D x_i
///   S       = exp(a_last) S + sum_j B_j outer (exp(gap_last,j) d_j x_j)
/// a_i is the sum of d A up to row i, gap_ij that of the rows after j up to i,
/// summed up rather than taken as a_i - a_j (see the CPU's form). A chunk
/// with fewer rows is filled up with rows of d = 0, which change nothing.
class ScanSimt : ChunkBlock {
public:
  ScanSimt(GPUEmitter &b, SsdScanOp op);
  void emit(Value sequences);

private:
  int64_t plan(int64_t rows);
  void takeBuffers();
  void sequenceRows();
  void loadState();
  void storeState();
  void load(Value first, Value rows);
  void weights(Value rows);
  void weightTile(Value i, Value j);
  Values productTile(Value i, Value j);
  void output(Value first, Value rows);
  Values outputTile(Value i, Value column);
  Values addTriangle(Value i, Value column, Values sums);
  void storeOutput(Value t, Value column, Value y);
  void updateState(Value rows);

  void eachPiece(Value column, function_ref<void(Value, int64_t)> body);
  Value vectorAt(Value buffer, Value row, Value column) {
    return b.loadAligned(buffer, {row, column}, kVector);
  }
  Value lane(Value vector, int64_t i) {
    return b.splat(Value(vector::ExtractOp::create(b, vector, i)), kVector);
  }
  /// Lanes [first, first + count).
  Value slice(Value vector, int64_t first, int64_t count) {
    if (lanesOf(vector) == count)
      return vector;
    return vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{count},
        ArrayRef<int64_t>{1});
  }
  /// Calls `body` for [0, hi) in steps of a vector.
  Values eachVector(Value hi, ValueRange init,
                    function_ref<Values(Value, ValueRange)> body) {
    return b.loop(b.index(0), hi, b.index(kVector), init, body);
  }

  int64_t states;  ///< N in whole vectors.
  int64_t vectors; ///< Of the block's columns.
  size_t stateBuffer, bBuffer, cBuffer, xBuffer, wBuffer;
  /// [states, columns], [padded, states] twice, [padded, columns],
  /// [padded, padded].
  Value s, bs, cs, xs, w;
};

} // namespace

ScanSimt::ScanSimt(GPUEmitter &b, SsdScanOp op) : ChunkBlock(b, op) {
  states = llvm::alignTo(stateSize, kVector);
  vectors = columns / kVector;
  chooseChunk(kMaxChunk, 1, [&](int64_t rows) { return plan(rows); });
}

/// Lays out the buffers for chunks of so many rows; returns their bytes.
int64_t ScanSimt::plan(int64_t rows) {
  Type f32 = b.getF32Type();
  padded = llvm::alignTo(rows, kVector);
  memory = SharedMemory();
  // One vector more than a row needs: equal columns of neighbouring rows, which
  // the threads of a warp read together, are then in different banks.
  stateBuffer = memory.reserve({states, columns}, f32);
  bBuffer = memory.reserve({padded, states + kVector}, f32);
  cBuffer = memory.reserve({padded, states + kVector}, f32);
  xBuffer = memory.reserve({padded, columns}, f32);
  wBuffer = memory.reserve({padded, padded + kVector}, f32);
  reserveSteps();
  return memory.bytes();
}

void ScanSimt::takeBuffers() {
  auto buffer = [&](size_t number) { return b.shared(memory, number); };
  s = buffer(stateBuffer), bs = buffer(bBuffer), cs = buffer(cBuffer);
  xs = buffer(xBuffer), w = buffer(wBuffer);
  takeSteps();
}

void ScanSimt::emit(Value sequences) {
  launchLong(sequences, [&] {
    takeBuffers();
    sequenceRows();
  });
}

void ScanSimt::sequenceRows() {
  loadState();
  eachChunk({}, [&](Value first, Value rows, ValueRange) -> Values {
    load(first, rows);
    b.barrier();
    weights(rows);
    decays();
    b.barrier();
    output(first, rows);
    b.barrier();
    updateState(rows);
    b.barrier();
    return {};
  });
  storeState();
}

/// Calls `body` for the pieces of a vector of columns that global memory can be
/// accessed in and that the head has, with the piece's first lane.
void ScanSimt::eachPiece(Value column,
                         function_ref<void(Value, int64_t)> body) {
  for (int64_t first = 0; first < kVector; first += lanes) {
    Value at = plus(column, first);
    if (allColumns())
      body(at, first);
    else
      b.when(exists(at), [&] { body(at, first); });
  }
}

/// The state's share of the thread, a vector of columns at a time; what pads
/// it, and all of it at position 0, is zero.
void ScanSimt::loadState() {
  share(states * columns / lanes, [&](Value item) {
    Value n = b.div(item, b.index(columns / lanes));
    Value column = b.mul(b.rem(item, b.index(columns / lanes)), b.index(lanes));
    Value stored = b.both(b.lt(n, b.index(stateSize)), exists(column));
    Value kept = b.both(stored, b.lt(b.index(0), position));
    Type type = VectorType::get({lanes}, b.getF32Type());
    Value value = b.choose(
        kept, type,
        [&]() -> Values {
          return {b.loadAligned(op.getPool(), state(n, column), lanes)};
        },
        [&]() -> Values { return {b.splat(0.0, lanes)}; })[0];
    b.storeAligned(value, s, {n, column});
  });
}

void ScanSimt::storeState() {
  share(stateSize * vectors, [&](Value item) {
    Value n = b.div(item, b.index(vectors));
    Value column = b.mul(b.rem(item, b.index(vectors)), b.index(kVector));
    eachPiece(column, [&](Value at, int64_t) {
      b.storeAligned(b.loadAligned(s, {n, at}, lanes), op.getPool(),
                     state(n, at));
    });
  });
}

void ScanSimt::load(Value first, Value rows) {
  auto into = [&](Value to) {
    return [this, to](Value values, Value i, Value column) {
      int64_t count = lanesOf(values);
      for (int64_t lane = 0; lane < count; lane += kVector)
        b.storeAligned(slice(values, lane, std::min(count, kVector)), to,
                       {i, plus(column, lane)});
    };
  };
  loadRows(groupOf(op.getB(), states), first, rows, into(bs));
  loadRows(groupOf(op.getC(), states), first, rows, into(cs));
  loadRows(headOfX(), first, rows, into(xs));
  timeSteps(first, rows);
}

/// Neighbouring threads take neighbouring columns of W. Tiles that lie above
/// the diagonal or below the last row are left out.
void ScanSimt::weights(Value rows) {
  share(padded / kWeightRows * padded, [&](Value item) {
    Value j = b.rem(item, b.index(padded));
    Value i = b.mul(b.div(item, b.index(padded)), b.index(kWeightRows));
    Value below = b.le(j, plus(i, kWeightRows - 1));
    b.when(b.both(b.lt(i, rows), below), [&] { weightTile(i, j); });
  });
}

/// C_i . B_j for the rows from i on.
LoopBuilder::Values ScanSimt::productTile(Value i, Value j) {
  Values zeros(kWeightRows, b.splat(0.0, kVector));
  Values sums =
      eachVector(b.index(states), zeros, [&](Value n, ValueRange carried) {
        Value column = vectorAt(bs, j, n);
        Values next;
        for (int64_t r = 0; r < kWeightRows; ++r)
          next.push_back(
              b.fma(vectorAt(cs, plus(i, r), n), column, carried[r]));
        return next;
      });
  for (Value &sum : sums)
    sum = b.sumLanes(sum);
  return sums;
}

/// Above the diagonal gaps stay 0 and nothing reads the result.
void ScanSimt::weightTile(Value i, Value j) {
  Values products = productTile(i, j);
  Value step = b.load(d, {j});
  auto moveOn = [&](Value gap, Value row) {
    return b.select(b.lt(j, row), b.add(gap, b.load(steps, {row})), gap);
  };
  Value gap = b.loop(b.index(0), i, b.index(1), ValueRange{b.f32(0)},
                     [&](Value row, ValueRange carried) {
                       return Values{moveOn(carried[0], row)};
                     })[0];
  for (int64_t r = 0; r < kWeightRows; ++r) {
    gap = moveOn(gap, plus(i, r));
    Value weight = b.mul(products[r], b.mul(b.exp(gap), step));
    b.store(weight, w, {plus(i, r), j});
  }
}

void ScanSimt::output(Value first, Value rows) {
  share(padded / kOutputRows * vectors, [&](Value item) {
    Value column = b.mul(b.rem(item, b.index(vectors)), b.index(kVector));
    Value i = b.mul(b.div(item, b.index(vectors)), b.index(kOutputRows));
    b.when(b.lt(i, rows), [&] {
      Values sums = addTriangle(i, column, outputTile(i, column));
      for (int64_t r = 0; r < kOutputRows; ++r)
        b.when(b.lt(plus(i, r), rows),
               [&] { storeOutput(b.add(first, plus(i, r)), column, sums[r]); });
    });
  });
}

void ScanSimt::storeOutput(Value t, Value column, Value y) {
  eachPiece(column, [&](Value at, int64_t lane) {
    b.storeAligned(slice(y, lane, lanes), op.getInit(), {t, wide(at)});
  });
}

/// What comes from the state, and D x.
LoopBuilder::Values ScanSimt::outputTile(Value i, Value column) {
  Values zeros(kOutputRows, b.splat(0.0, kVector));
  Values sums =
      eachVector(b.index(states), zeros, [&](Value n, ValueRange carried) {
        Values next(carried), rows;
        for (int64_t r = 0; r < kOutputRows; ++r)
          rows.push_back(vectorAt(cs, plus(i, r), n));
        for (int64_t k = 0; k < kVector; ++k) {
          Value row = vectorAt(s, plus(n, k), column);
          for (int64_t r = 0; r < kOutputRows; ++r)
            next[r] = b.fma(lane(rows[r], k), row, next[r]);
        }
        return next;
      });
  Value skip = b.splat(b.load(op.getD(), {head}), kVector);
  for (int64_t r = 0; r < kOutputRows; ++r) {
    Value decay = b.splat(b.load(fall, {plus(i, r)}), kVector);
    sums[r] =
        b.fma(skip, vectorAt(xs, plus(i, r), column), b.mul(sums[r], decay));
  }
  return sums;
}

/// W x. In the last vector of W's columns some are above the diagonal: they are
/// skipped, as a zero weight would not keep out a NaN.
LoopBuilder::Values ScanSimt::addTriangle(Value i, Value column, Values sums) {
  auto step = [&](Value j, ValueRange carried, bool diagonal) {
    Values next(carried), rows;
    for (int64_t r = 0; r < kOutputRows; ++r)
      rows.push_back(vectorAt(w, plus(i, r), j));
    for (int64_t k = 0; k < kVector; ++k) {
      Value x = vectorAt(xs, plus(j, k), column);
      for (int64_t r = 0; r < kOutputRows; ++r) {
        Value sum = b.fma(lane(rows[r], k), x, next[r]);
        if (diagonal)
          sum = b.select(b.le(plus(j, k), plus(i, r)), sum, next[r]);
        next[r] = sum;
      }
    }
    return next;
  };
  Value last = b.mul(b.div(i, b.index(kVector)), b.index(kVector));
  sums = eachVector(last, sums, [&](Value j, ValueRange carried) {
    return step(j, carried, /*diagonal=*/false);
  });
  return step(last, sums, /*diagonal=*/true);
}

/// A thread's tile of the state: a vector of rows by one of columns.
void ScanSimt::updateState(Value rows) {
  share(states / kVector * vectors, [&](Value item) {
    Value column = b.mul(b.rem(item, b.index(vectors)), b.index(kVector));
    Value n = b.mul(b.div(item, b.index(vectors)), b.index(kVector));
    Value decay = b.splat(b.load(fall, {b.index(padded - 1)}), kVector);
    Values sums;
    for (int64_t k = 0; k < kVector; ++k)
      sums.push_back(b.mul(vectorAt(s, plus(n, k), column), decay));
    sums = b.loop(b.index(0), rows, b.index(1), sums,
                  [&](Value j, ValueRange carried) {
                    Value weight = b.splat(b.load(tail, {j}), kVector);
                    Value x = b.mul(vectorAt(xs, j, column), weight);
                    Value row = vectorAt(bs, j, n);
                    Values next;
                    for (int64_t k = 0; k < kVector; ++k)
                      next.push_back(b.fma(lane(row, k), x, carried[k]));
                    return next;
                  });
    for (int64_t k = 0; k < kVector; ++k)
      b.storeAligned(sums[k], s, {plus(n, k), column});
  });
}

void braid::emitScanSimt(GPUEmitter &b, SsdScanOp op, Value sequences) {
  ScanSimt(b, op).emit(sequences);
}
