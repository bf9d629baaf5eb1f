//===- EmitScanMma.cpp - the matrix form of ssd_scan on tensor cores
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitScanChunks.h"
#include "TensorCore.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

namespace {

/// Products are of tiles of kTile x kTile by kTile x kSide (mma m16n8k16).
constexpr int64_t kTile = 16, kSide = 8;
/// Longer chunks would not fit 48 KiB, and have more products per row.
constexpr int64_t kMaxChunk = 32;

/// The chunk's products of bf16, with sums and the state in f32, and these
/// roundings (semantics 3.5): W; the state as the output's product reads it;
/// and what B is scaled with before it adds to the state.
///   W[i,j]   = (C_i . B_j) exp(gap_ij) d_j            j <= i
///   y_i      = W x + exp(a_i) (C_i S) + D x_i
///   S[p,n]   = exp(a_last) S + sum_j x_j[p] (exp(gap_last,j) d_j B_j[n])
/// A lane reads the words of its operands from shared memory, where the index
/// that is summed over is the last one: hence x and the scaled B lie there
/// transposed, and so does the state, whose sums stay in registers from the
/// first chunk to the last. Rows are padded by four words: the words that the
/// lanes of a warp read together are then in different banks.
///
/// Gaps are summed, not subtracted: from j to the end of the tile of rows
/// before i's, and from there to i. Each sum has one sign, so nothing is lost.
class ScanMma : ChunkBlock {
public:
  ScanMma(GPUEmitter &b, SsdScanOp op);
  void emit(Value sequences);

private:
  using Tile = Values; // The four sums of a lane.
  int64_t plan(int64_t rows);
  void takeBuffers();
  void sequenceRows();
  Values loadState();
  void storeState(ValueRange sums);
  void copyState(ValueRange sums);
  void load(Value first, Value rows);
  void gapsToTiles();
  void weights();
  Tile factors(Value m, Value n);
  void scaleB();
  void output(Value first, Value rows);
  Values updateState(ValueRange sums);

  /// sums += A B, for a tile of rows of `a` and one of columns of `b`, over
  /// [0, hi) tiles of what they share.
  Tile multiply(Value a, Value row, Value b, Value column, Value hi,
                ValueRange sums);
  Value word(Value buffer, Value row, Value column);

  Value quad() { return b.rem(b.thread(), b.index(4)); }
  Value groupOfLane() {
    return b.div(b.rem(b.thread(), b.index(kWarp)), b.index(4));
  }
  Value warp() { return b.div(b.thread(), b.index(kWarp)); }
  int64_t warps() const { return b.threads / kWarp; }
  /// Row, and column, of a lane's sum number `i` in its tile.
  Value rowOf(int64_t i) { return plus(groupOfLane(), i / 2 * 8); }
  Value columnOf(int64_t i) { return plus(b.mul(quad(), b.index(2)), i % 2); }
  /// The tile of the state with the warp's number `k`: its rows and columns,
  /// and whether there is one.
  int64_t stateTiles() const { return columns / kTile * (stateSize / kSide); }
  int64_t stateTilesOfWarp() const {
    return llvm::divideCeil(stateTiles(), warps());
  }
  Value stateTile(int64_t k) { return plus(warp(), k * warps()); }
  Value firstP(Value tile) {
    return b.mul(b.rem(tile, b.index(columns / kTile)), b.index(kTile));
  }
  Value firstN(Value tile) {
    return b.mul(b.div(tile, b.index(columns / kTile)), b.index(kSide));
  }
  /// Calls `body` for the warp's tiles of `rows` x `columns` of them.
  void eachTile(int64_t rows, int64_t columns,
                function_ref<void(Value, Value)> body);
  Tile zeros() { return Tile(4, b.f32(0)); }

  size_t buffers[7], gapBuffer;
  /// In shared memory: B and C [chunk, N], scaled B [N, chunk], W [chunk,
  /// chunk], x [P, chunk], state [P, N]; exp of the sums of d A within each
  /// tile of rows [chunk], and from each row to each tile, times d [tiles,
  /// chunk].
  Value bs, cs, scaled, w, xs, s, rise, reach;
};

} // namespace

ScanMma::ScanMma(GPUEmitter &b, SsdScanOp op) : ChunkBlock(b, op) {
  chooseChunk(kMaxChunk, kTile, [&](int64_t rows) { return plan(rows); });
}

int64_t ScanMma::plan(int64_t rows) {
  constexpr int64_t kPad = 8;
  Type bf16 = b.getBF16Type(), f32 = b.getF32Type();
  padded = rows;
  memory = SharedMemory();
  buffers[0] = memory.reserve({rows, stateSize + kPad}, bf16);
  buffers[1] = memory.reserve({rows, stateSize + kPad}, bf16);
  buffers[2] = memory.reserve({stateSize, rows + kPad}, bf16);
  buffers[3] = memory.reserve({rows, rows + kPad}, bf16);
  buffers[4] = memory.reserve({columns, rows + kPad}, bf16);
  buffers[5] = memory.reserve({columns, stateSize + kPad}, bf16);
  buffers[6] = memory.reserve({rows}, f32);
  gapBuffer = memory.reserve({rows / kTile, rows}, f32);
  reserveSteps();
  return memory.bytes();
}

void ScanMma::takeBuffers() {
  auto buffer = [&](size_t i) { return b.shared(memory, buffers[i]); };
  bs = buffer(0), cs = buffer(1), scaled = buffer(2), w = buffer(3);
  xs = buffer(4), s = buffer(5), rise = buffer(6);
  reach = b.shared(memory, gapBuffer);
  takeSteps();
}

void ScanMma::emit(Value sequences) {
  launchLong(sequences, [&] {
    takeBuffers();
    sequenceRows();
  });
}

void ScanMma::sequenceRows() {
  Values sums = loadState();
  copyState(sums);
  sums = eachChunk(sums, [&](Value first, Value rows, ValueRange carried) {
    load(first, rows);
    b.barrier();
    decays();
    gapsToTiles();
    b.barrier();
    weights();
    scaleB();
    b.barrier();
    output(first, rows);
    b.barrier();
    Values next = updateState(carried);
    copyState(next);
    b.barrier();
    return next;
  });
  storeState(sums);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Two neighbours of a row, as a register of an operand.
Value ScanMma::word(Value buffer, Value row, Value column) {
  Value pair = b.loadRawAligned(buffer, {row, column}, 2);
  auto type = VectorType::get({1}, b.getI32Type());
  return vector::ExtractOp::create(b, vector::BitCastOp::create(b, type, pair),
                                   0);
}

ScanMma::Tile ScanMma::multiply(Value x, Value row, Value y, Value column,
                                Value hi, ValueRange sums) {
  Value xRow = b.add(row, groupOfLane()), yRow = b.add(column, groupOfLane());
  Value own = b.mul(quad(), b.index(2));
  return b.loop(b.index(0), hi, b.index(1), sums,
                [&](Value tile, ValueRange carried) {
                  Value low = b.add(b.mul(tile, b.index(kTile)), own);
                  Value high = plus(low, kTile / 2);
                  Value below = plus(xRow, kTile / 2);
                  Values xWords = {word(x, xRow, low), word(x, below, low),
                                   word(x, xRow, high), word(x, below, high)};
                  Values yWords = {word(y, yRow, low), word(y, yRow, high)};
                  return braid::multiply(b, xWords, yWords, carried);
                });
}

void ScanMma::eachTile(int64_t rows, int64_t columns,
                       function_ref<void(Value, Value)> body) {
  b.loop(warp(), b.index(rows * columns), b.index(warps()), [&](Value tile) {
    body(b.mul(b.rem(tile, b.index(rows)), b.index(kTile)),
         b.mul(b.div(tile, b.index(rows)), b.index(kSide)));
  });
}

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

LoopBuilder::Values ScanMma::loadState() {
  Values sums;
  for (int64_t k = 0; k < stateTilesOfWarp(); ++k) {
    Value tile = stateTile(k);
    Value kept =
        b.both(b.lt(tile, b.index(stateTiles())), b.lt(b.index(0), position));
    SmallVector<Type> types(4, b.getF32Type());
    sums.append(b.choose(
        kept, types,
        [&] {
          Values values;
          for (int64_t i = 0; i < 4; ++i)
            values.push_back(
                b.load(op.getPool(), state(b.add(firstN(tile), columnOf(i)),
                                           b.add(firstP(tile), rowOf(i)))));
          return values;
        },
        [&] { return zeros(); }));
  }
  return sums;
}

void ScanMma::storeState(ValueRange sums) {
  for (int64_t k = 0; k < stateTilesOfWarp(); ++k) {
    Value tile = stateTile(k);
    b.when(b.lt(tile, b.index(stateTiles())), [&] {
      for (int64_t i = 0; i < 4; ++i)
        b.store(sums[4 * k + i], op.getPool(),
                state(b.add(firstN(tile), columnOf(i)),
                      b.add(firstP(tile), rowOf(i))));
    });
  }
}

/// What the next chunk's output reads.
void ScanMma::copyState(ValueRange sums) {
  auto type = VectorType::get({2}, b.getF32Type());
  for (int64_t k = 0; k < stateTilesOfWarp(); ++k) {
    Value tile = stateTile(k);
    b.when(b.lt(tile, b.index(stateTiles())), [&] {
      for (int64_t i = 0; i < 4; i += 2) {
        Value pair = vector::FromElementsOp::create(
            b, type, ValueRange{sums[4 * k + i], sums[4 * k + i + 1]});
        b.storeAligned(
            pair, s,
            {b.add(firstP(tile), rowOf(i)), b.add(firstN(tile), columnOf(i))});
      }
    });
  }
}

LoopBuilder::Values ScanMma::updateState(ValueRange sums) {
  Value decay = b.load(fall, {b.index(padded - 1)});
  Values next;
  for (int64_t k = 0; k < stateTilesOfWarp(); ++k) {
    Value tile = stateTile(k);
    // A warp without a tile repeats the first one's.
    if (stateTiles() % warps() != 0)
      tile = b.select(b.lt(tile, b.index(stateTiles())), tile, b.index(0));
    Tile own;
    for (int64_t i = 0; i < 4; ++i)
      own.push_back(b.mul(sums[4 * k + i], decay));
    next.append(multiply(xs, firstP(tile), scaled, firstN(tile),
                         b.index(padded / kTile), own));
  }
  return next;
}

//===----------------------------------------------------------------------===//
// A chunk
//===----------------------------------------------------------------------===//

void ScanMma::load(Value first, Value rows) {
  auto into = [&](Value to) {
    return [this, to](Value values, Value i, Value column) {
      b.storeAligned(values, to, {i, column});
    };
  };
  auto transposed = [&](Value values, Value i, Value column) {
    Value rounded = b.narrow(values, b.getBF16Type());
    for (int64_t lane = 0; lane < lanesOf(values); ++lane)
      b.store(vector::ExtractOp::create(b, rounded, lane), xs,
              {plus(column, lane), i});
  };
  loadRows(groupOf(op.getB(), stateSize), first, rows, into(bs));
  loadRows(groupOf(op.getC(), stateSize), first, rows, into(cs));
  loadRows(headOfX(), first, rows, transposed);
  timeSteps(first, rows);
}

/// rise[i]: from the first row of i's tile to i. reach[m, j]: from after j up
/// to the first row of tile m, which comes after j's.
void ScanMma::gapsToTiles() {
  int64_t tiles = padded / kTile;
  auto sum = [&](Value lo, Value hi) {
    return b.exp(b.loop(b.index(0), b.index(padded), b.index(1),
                        ValueRange{b.f32(0)}, [&](Value u, ValueRange carried) {
                          Value more = b.add(carried[0], b.load(steps, {u}));
                          Value in = b.both(b.le(lo, u), b.lt(u, hi));
                          return Values{b.select(in, more, carried[0])};
                        })[0]);
  };
  share(padded * (tiles + 1), [&](Value item) {
    Value m = b.div(item, b.index(padded)), j = b.rem(item, b.index(padded));
    Value ownTile = b.sub(j, b.rem(j, b.index(kTile)));
    Value own = b.eq(m, b.index(tiles));
    Value next = plus(j, 1);
    Value exp = sum(b.select(own, ownTile, next),
                    b.select(own, next, b.mul(m, b.index(kTile))));
    b.when(
        own, [&] { b.store(exp, rise, {j}); },
        [&] {
          b.store(b.mul(exp, b.load(d, {j})), reach, {m, j});
        });
  });
}

/// exp(gap_ij) d_j of a lane's elements of a tile of W; 0 above the diagonal.
ScanMma::Tile ScanMma::factors(Value m, Value n) {
  SmallVector<Type> types(4, b.getF32Type());
  auto left = [&] {
    Tile result;
    for (int64_t i = 0; i < 4; ++i)
      result.push_back(b.mul(
          b.load(rise, {b.add(m, rowOf(i))}),
          b.load(reach, {b.div(m, b.index(kTile)), b.add(n, columnOf(i))})));
    return result;
  };
  auto diagonal = [&] {
    Tile gaps = b.loop(
        m, plus(m, kTile), b.index(1), zeros(),
        [&](Value u, ValueRange carried) {
          Value step = b.load(steps, {u});
          Tile next;
          for (int64_t i = 0; i < 4; ++i) {
            Value in = b.both(b.lt(b.add(n, columnOf(i)), u),
                              b.le(u, b.add(m, rowOf(i))));
            next.push_back(b.select(in, b.add(carried[i], step), carried[i]));
          }
          return next;
        });
    for (int64_t i = 0; i < 4; ++i) {
      Value j = b.add(n, columnOf(i));
      Value factor = b.mul(b.exp(gaps[i]), b.load(d, {j}));
      gaps[i] = b.select(b.le(j, b.add(m, rowOf(i))), factor, b.f32(0));
    }
    return gaps;
  };
  return b.choose(b.lt(n, m), types, left, diagonal);
}

void ScanMma::weights() {
  auto pairType = VectorType::get({2}, b.getF32Type());
  eachTile(padded / kTile, padded / kSide, [&](Value m, Value n) {
    b.when(b.lt(n, plus(m, kTile)), [&] {
      Tile sums = multiply(cs, m, bs, n, b.index(stateSize / kTile), zeros());
      Tile scale = factors(m, n);
      for (int64_t i = 0; i < 4; i += 2) {
        Value pair = vector::FromElementsOp::create(
            b, pairType,
            ValueRange{b.mul(sums[i], scale[i]),
                       b.mul(sums[i + 1], scale[i + 1])});
        b.storeAligned(pair, w, {b.add(m, rowOf(i)), b.add(n, columnOf(i))});
      }
    });
  });
}

/// Pairs of rows of B become pairs of a row, each scaled.
void ScanMma::scaleB() {
  auto type = VectorType::get({2}, b.getF32Type());
  share(padded / 2 * stateSize, [&](Value item) {
    Value n = b.rem(item, b.index(stateSize));
    Value j = b.mul(b.div(item, b.index(stateSize)), b.index(2));
    Values pair;
    for (int64_t k = 0; k < 2; ++k)
      pair.push_back(b.mul(b.widen(b.load(bs, {plus(j, k), n})),
                           b.load(tail, {plus(j, k)})));
    b.storeAligned(vector::FromElementsOp::create(b, type, pair), scaled,
                   {n, j});
  });
}

void ScanMma::output(Value first, Value rows) {
  auto pairType = VectorType::get({2}, b.getF32Type());
  Value skip = b.load(op.getD(), {head});
  eachTile(padded / kTile, columns / kSide, [&](Value m, Value p) {
    Tile sums = multiply(cs, m, s, p, b.index(stateSize / kTile), zeros());
    for (int64_t i = 0; i < 4; ++i) {
      Value row = b.add(m, rowOf(i));
      Value x = b.widen(b.load(xs, {b.add(p, columnOf(i)), row}));
      sums[i] = b.fma(skip, x, b.mul(sums[i], b.load(fall, {row})));
    }
    Value tiles = plus(b.div(m, b.index(kTile)), 1);
    sums = multiply(w, m, xs, p, tiles, sums);
    for (int64_t i = 0; i < 4; i += 2) {
      Value row = b.add(m, rowOf(i));
      b.when(b.lt(row, rows), [&] {
        Value pair = vector::FromElementsOp::create(
            b, pairType, ValueRange{sums[i], sums[i + 1]});
        b.storeAligned(pair, op.getInit(),
                       {b.add(first, row), wide(b.add(p, columnOf(i)))});
      });
    }
  });
}

void braid::emitScanMma(GPUEmitter &b, SsdScanOp op, Value sequences) {
  ScanMma(b, op).emit(sequences);
}
