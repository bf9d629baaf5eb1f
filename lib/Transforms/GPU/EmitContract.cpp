//===- EmitContract.cpp - contractions with packed weights on a GPU
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "braid/Transforms/Lanewise.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace braid;

static MemRefType typeOf(Value memref) {
  return cast<MemRefType>(memref.getType());
}

/// Joins the dimensions [first, first + 1] of a memref.
static Value collapse(LoopBuilder &b, Value memref, int64_t first) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < typeOf(memref).getRank(); ++i)
    if (i == first + 1)
      groups.back().push_back(i);
    else
      groups.push_back({i});
  return memref::CollapseShapeOp::create(b, memref, groups);
}

Contraction::Contraction(GPUEmitter &b, PackedContractOp op)
    : b(b), op(op), grouped(!op.getGroups().empty()),
      k(typeOf(op.getX()).getShape().back()),
      layout(*PackedLayout::of(op.getWeight().getType(), k)), x(op.getX()),
      y(op.getInit()), rows(b.dim(op.getX(), 0)) {
  panels = typeOf(op.getWeight()).getShape().take_back(4)[0];
  kp = layout.isCoded() ? 2 : layout.kp;
  pairs = k / kp;
  n = typeOf(y).getShape().back();
  w = collapse(b, op.getWeight(), grouped ? 3 : 2);
  if (!grouped)
    return;
  choices = typeOf(op.getGroups()[0]).getDimSize(1);
  order = collapse(b, op.getGroups()[0], 0);
  begin = op.getGroups()[1];
  active = op.getGroups()[2];
  y = collapse(b, y, 0);
  if (!op.getGather())
    x = collapse(b, x, 0);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void Contraction::launch(int64_t tileRows, int64_t columns,
                         const SharedMemory &shared,
                         function_ref<void(Value, const Tile &)> body) {
  Value blocks = b.index(llvm::divideCeil(n, columns));
  auto atColumn = [&](Value block, const Tile &tile) {
    body(b.mul(block, b.index(columns)), tile);
  };
  if (grouped)
    launchGrouped(tileRows, blocks, shared, atColumn);
  else
    launchDense(tileRows, blocks, shared, atColumn);
}

void Contraction::launchDense(int64_t tileRows, Value blocks,
                              const SharedMemory &shared,
                              function_ref<void(Value, const Tile &)> body) {
  Value size = b.index(tileRows);
  Value tiles = b.div(b.add(rows, b.index(tileRows - 1)), size);
  b.launch(blocks, tiles, shared, [&](Value block, Value tile) {
    Value first = b.mul(tile, size);
    body(block, Tile{first, b.min(b.add(first, size), rows), Value()});
  });
}

void Contraction::launchGrouped(int64_t tileRows, Value blocks,
                                const SharedMemory &shared,
                                function_ref<void(Value, const Tile &)> body) {
  Value experts = b.index(typeOf(op.getWeight()).getDimSize(0));
  Value most = b.min(experts, b.mul(rows, b.index(choices)));
  Value size = b.index(tileRows);
  b.launch(blocks, most, shared, [&](Value block, Value which) {
    b.when(b.lt(which, entry(active, b.index(0))), [&] {
      Value expert = entry(active, b.add(which, b.index(1)));
      Value end = entry(begin, b.add(expert, b.index(1)));
      b.loop(entry(begin, expert), end, size, [&](Value first) {
        body(block, Tile{first, b.min(b.add(first, size), end), expert});
        b.barrier();
      });
    });
  });
}

bool Contraction::fitsTensorCores(PackedContractOp op) {
  MemRefType x = typeOf(op.getX());
  return x.getElementType().isBF16() &&
         !typeOf(op.getWeight()).getElementType().isF32() &&
         GPUEmitter::vectorLanes(op.getX(), x.getShape().back()) >= 2;
}

bool Contraction::fitsTiles(PackedContractOp op) {
  constexpr int64_t kChunk = 8;
  MemRefType x = typeOf(op.getX());
  if (x.getRank() == 3) // Choices of a row follow each other.
    x = memref::CollapseShapeOp::computeCollapsedType(
        x, ArrayRef<ReassociationIndices>{{0, 1}, {2}});
  return fitsTensorCores(op) && TensorMapOp::fits(x) &&
         (!op.getGather() || x.getShape().back() % kChunk == 0);
}

Value Contraction::entry(Value table, Value at) {
  return b.toIndex(b.load(table, {at}));
}

/// The first tile of the active expert number `which`. This counts no tiles of
/// the experts before it: each of them ends at most one tile early, and `which`
/// stands for these.
Value Contraction::tileBegin(Value which, int64_t rows) {
  Value expert = entry(active, b.add(which, b.index(1)));
  return b.add(b.div(entry(begin, expert), b.index(rows)), which);
}

/// The last active expert whose first tile is not after `tile`: lanes of a warp
/// count the experts of which that is true.
Value Contraction::findExpert(Value tile, int64_t rows) {
  Value lane = b.rem(b.thread(), b.index(kWarp));
  Value count = b.loop(lane, entry(active, b.index(0)), b.index(kWarp),
                       {b.i32(0)}, [&](Value which, ValueRange found) -> Values {
                         Value before = b.le(tileBegin(which, rows), tile);
                         return {b.add(found[0], b.select(before, b.i32(1),
                                                          b.i32(0)))};
                       })[0];
  for (int64_t mask = kWarp / 2; mask >= 1; mask /= 2)
    count = b.add(count, b.shuffleXor(count, mask));
  return b.sub(b.toIndex(count), b.index(1));
}

void Contraction::launchTiles(int64_t tileRows, int64_t columns,
                              const SharedMemory &shared,
                              function_ref<void(Value, const Tile &)> body) {
  if (!grouped)
    return launch(tileRows, columns, shared, body);
  Value size = b.index(tileRows), places = b.mul(rows, b.index(choices));
  Value experts = b.index(typeOf(op.getWeight()).getDimSize(0));
  Value tiles = b.add(b.div(places, size), b.min(experts, places));
  Value blocks = b.index(llvm::divideCeil(n, columns));
  b.launch(blocks, tiles, shared, [&](Value block, Value tile) {
    Value which = findExpert(tile, tileRows);
    Value expert = entry(active, b.add(which, b.index(1)));
    Value skipped = b.sub(tile, tileBegin(which, tileRows));
    Value first = b.add(entry(begin, expert), b.mul(skipped, size));
    Value end = entry(begin, b.add(expert, b.index(1)));
    b.when(b.lt(first, end), [&] {
      body(b.mul(block, b.index(columns)),
           Tile{first, b.min(b.add(first, size), end), expert});
    });
  });
}

Contraction::Place Contraction::place(Value number) {
  if (!grouped)
    return {number, number, number};
  Value pair = b.toIndex(b.load(order, {number}));
  Value row = b.div(pair, b.index(choices));
  return op.getGather() ? Place{row, number, row} : Place{number, pair, row};
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value Contraction::loadWords(Value expert, Value panel, Value row, Value output,
                             int64_t count) {
  Values at;
  if (grouped)
    at.push_back(expert);
  at.append({panel, row, b.mul(output, b.index(layout.kp))});
  return b.loadRawAligned(w, at, count * layout.kp);
}

Value Contraction::weights(Value expert, Value panel, Value row, Value output,
                           int64_t count) {
  if (layout.scaleRows)
    row = b.add(row, b.index(layout.scaleRows));
  return loadWords(expert, panel, row, output, count);
}

Value Contraction::scaleRow(Value block) {
  return b.add(b.div(block, b.index(4)), b.index(1));
}

Value braid::wordsOf(LoopBuilder &b, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  int64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  return vector::BitCastOp::create(
      b, VectorType::get({bits / 32}, b.getI32Type()), vector);
}

/// The numbers at a bit of each half of the words, as pairs of bf16. Once sign,
/// exponent and mantissa are where those of bf16 are, what is missing is a factor
/// for the different bias; that bf16 is subnormal on the way costs nothing.
static Value decodeHalves(LoopBuilder &b, SmallFloat format, Value words,
                          int64_t shift) {
  auto bits = [&](uint32_t value) {
    return bitsLike(b, value << 16 | value, words);
  };
  auto by = [&](int64_t count) { return bitsLike(b, count, words); };
  Value top = words;
  if (int64_t up = 16 - format.bits() - shift)
    top = arith::ShLIOp::create(b, words, by(up));
  uint32_t fields = ((1u << (format.bits() - 1)) - 1)
                    << (7 - format.mantissaBits);
  Value moved = arith::ShRUIOp::create(b, top, by(8 - format.exponentBits));
  moved = arith::OrIOp::create(b, b.both(moved, bits(fields)),
                               b.both(top, bits(0x8000)));
  auto type = VectorType::get({2 * lanesOf(words)}, b.getBF16Type());
  uint32_t factor = uint32_t(2 * 127 - format.bias()) << 7;
  return b.mul(vector::BitCastOp::create(b, type, moved),
               vector::BitCastOp::create(b, type, bits(factor)));
}

Value Contraction::blockScales(Value codes, Value number) {
  Value words = wordsOf(b, codes);
  Value shift = b.toI32(b.mul(b.rem(number, b.index(4)), b.index(8)));
  Value lowest =
      arith::ShRUIOp::create(b, words, b.splat(shift, lanesOf(words)));
  Value scale = arith::BitcastOp::create(b, words.getType(),
                                         decode(b, kE4M3, lowest, 0));
  Value both = arith::OrIOp::create(
      b, scale, arith::ShRUIOp::create(b, scale, bitsLike(b, 16, scale)));
  return vector::BitCastOp::create(
      b, VectorType::get({2 * lanesOf(words)}, b.getBF16Type()), both);
}

Value Contraction::decodePairs(Value codes, Value lane, int64_t reg,
                               Value scales) {
  Value words = wordsOf(b, codes);
  SmallFloat format = layout.hasBlockScales() ? kE2M1 : kE4M3;
  if (layout.lanesOfWord() > 1) {
    // Brings the lane's codes where lane 0 has them.
    Value own = b.rem(lane, b.index(layout.lanesOfWord()));
    Value down = b.toI32(b.mul(own, b.index(layout.shiftOf(1, 0))));
    words = arith::ShRUIOp::create(b, words, b.splat(down, lanesOf(words)));
  }
  Value numbers = decodeHalves(b, format, words, layout.shiftOf(0, reg));
  return scales ? b.mul(numbers, scales) : numbers;
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

int64_t Contraction::storeLanes(int64_t wanted) {
  Values buffers = {y};
  for (Value extra : op.getExtras())
    buffers.push_back(extra);
  return std::gcd(wanted, GPUEmitter::vectorLanes(buffers, n));
}

Value Contraction::epilogue(Value sums, const Place &place, Value column) {
  int64_t lanes = lanesOf(sums);
  auto loaded = [&](Value memref, Value row) -> Value {
    if (producer && memref == producer->result())
      return b.narrow(producer->at(row, column, lanes),
                      typeOf(memref).getElementType());
    if (typeOf(memref).getRank() == 1)
      return b.loadRawAligned(memref, {column}, lanes);
    return b.loadRawAligned(memref, {row, column}, lanes);
  };
  Block &body = op.getEpilogue().front();
  Values arguments = {sums};
  for (Value extra : op.getExtras())
    arguments.push_back(loaded(extra, place.row));
  bool usesOld = !body.getArguments().back().use_empty();
  arguments.push_back(usesOld ? loaded(y, place.y) : Value());
  return emitLanewise(b, body, arguments, lanes);
}

/// The sums of coded weights, times the scales of their outputs.
Value Contraction::scaled(Value sums, Value expert, Value column) {
  if (!layout.isCoded())
    return sums;
  Value panel = b.div(column, b.index(kPanel));
  Value output = b.rem(column, b.index(kPanel));
  int64_t lanes = lanesOf(sums);
  Value bytes = loadWords(expert, panel, b.index(0), output, lanes);
  return b.mul(sums, vector::BitCastOp::create(b, sums.getType(), bytes));
}

void Contraction::finish(Value sums, Value expert, const Place &place,
                         Value column) {
  int64_t count = lanesOf(sums), lanes = storeLanes(count);
  for (int64_t offset = 0; offset < count; offset += lanes) {
    Value piece = sums;
    if (lanes != count)
      piece = vector::ExtractStridedSliceOp::create(
          b, sums, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{lanes},
          ArrayRef<int64_t>{1});
    Value at = b.add(column, b.index(offset));
    b.when(b.lt(at, b.index(n)), [&] {
      Value total = scaled(piece, expert, at);
      b.storeAligned(epilogue(total, place, at), y, {place.y, at});
    });
  }
}
