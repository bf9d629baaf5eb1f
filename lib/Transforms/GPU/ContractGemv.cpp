//===- ContractGemv.cpp - contractions of few rows, at the speed of the weights
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/SaveAndRestore.h"
#include <numeric>

using namespace mlir;
using namespace braid;

namespace {

using Values = LoopBuilder::Values;

/// A block computes all rows of some consecutive outputs. Every weight is read
/// once, 16 bytes a lane: four outputs of a pair. The lanes of a warp lie side
/// by side over the outputs, and what is left of them over K, each at `run`
/// consecutive pairs, for which it reads x at once. Warps take turns over K. A
/// lane sums its products in ascending order; then lanes are added, then warps,
/// so that a sum is the same for any number of rows and loads in flight.
class ContractGemv {
public:
  ContractGemv(Contraction &c, int64_t rows, const GemvFusion &fusion)
      : b(c.b), c(c), fusion(fusion),
        rows(c.grouped ? std::min(rows, kExpertRows) : rows),
        warps(kContractThreads / kWarp), columns(columnsOf(c)) {
    xLanes = std::gcd(GPUEmitter::vectorLanes({c.x}, c.k), kEach * c.kp);
    run = std::gcd(c.pairs, std::max<int64_t>(xLanes / c.kp, 1));
    if (c.layout.isCoded())
      run = PackedLayout::kBlock / c.kp;
    spread = kWarp * kEach / columns;
    partial = memory.reserve({warps, this->rows, columns}, b.getF32Type());
    if (!makesInput())
      return;
    auto type = cast<MemRefType>(c.x.getType());
    input = memory.reserve({rows, c.k}, type.getElementType());
    fusion.producer->reserve(memory, rows);
  }
  int64_t sharedBytes() const { return memory.bytes(); }
  void emit() {
    llvm::SaveAndRestore inlined(c.producer, fusion.producer);
    c.launch(rows, columns, memory,
             [&](Value column, const Contraction::Tile &at) {
               tile(column, at);
             });
  }

private:
  static constexpr int64_t kEach = 4;
  /// More rows than these seldom fall to one expert; registers are better spent
  /// on loads.
  static constexpr int64_t kExpertRows = 4;
  /// Loads of weights that a thread has under way.
  static constexpr int64_t kInFlight = 8;

  static int64_t columnsOf(Contraction &c);
  int64_t loadsOfRun() const { return run * c.kp / c.layout.perWord; }
  /// Blocks of codes are decoded by halves.
  int64_t parts() const { return c.layout.isCoded() ? 2 : 1; }
  int64_t round() const { return warps * spread * run; }
  /// Whether x is computed by the block, rather than read.
  bool makesInput() const {
    return fusion.producer && fusion.producer->result() == c.x;
  }
  void makeInput(Value rows);
  void tile(Value column, const Contraction::Tile &at);
  void compute(int64_t count, const Contraction::Tile &at);
  Values addProducts(Value first, int64_t rounds, ValueRange sums);
  Values loadRun(Value pair);
  Values decodeHalf(ValueRange loaded, int64_t half);
  Values weightsOf(ValueRange loaded, int64_t part);
  void multiply(ValueRange weights, ValueRange inputs, Value &sum);
  Values loadInputs(Value row, Value k);
  Values halves(Value pairs);
  Values scalars(ValueRange loaded);
  Value addLanes(Value sums);
  void finish(const Contraction::Tile &at);

  GPUEmitter &b;
  Contraction &c;
  GemvFusion fusion;
  int64_t rows, warps, columns, xLanes, run, spread;
  SharedMemory memory;
  size_t partial, input = 0;
  // Of the running tile.
  Value x, column, expert, panel, output, ownPair, lane, warp;
  Values xRows;
};

} // namespace

/// Outputs of a block: a panel, or less of one while blocks are fewer than the
/// multiprocessors of a large GPU, down to what fills a 32-byte sector. More
/// lanes then share the inputs, which shortens the way of each.
int64_t ContractGemv::columnsOf(Contraction &c) {
  constexpr int64_t kMultiprocessors = 128, kSector = 8;
  int64_t columns = kPanel;
  while (columns > kSector &&
         c.panels * c.choices * kPanel / columns < kMultiprocessors)
    columns /= 2;
  return columns;
}

void ContractGemv::tile(Value first, const Contraction::Tile &at) {
  x = c.x, column = first, expert = at.expert;
  if (makesInput())
    makeInput(at.end);
  Value thread = b.thread();
  lane = b.rem(thread, b.index(kWarp));
  warp = b.div(thread, b.index(kWarp));
  Value across = b.index(columns / kEach);
  panel = b.div(column, b.index(kPanel));
  Value own = b.mul(b.rem(lane, across), b.index(kEach));
  output = b.add(b.rem(column, b.index(kPanel)), own);
  ownPair = b.mul(b.add(b.mul(warp, b.index(spread)), b.div(lane, across)),
                  b.index(run));
  // Most experts get one row, however many rows there are.
  if (c.grouped && rows > 1)
    b.when(
        b.eq(b.sub(at.end, at.first), b.index(1)), [&] { compute(1, at); },
        [&] { compute(rows, at); });
  else
    compute(rows, at);
  b.barrier();
  finish(at);
  if (!fusion.conv)
    return;
  b.barrier();
  emitConvColumns(b, fusion.conv, column, columns);
}

/// Rows from the first on, which are all of the step's.
void ContractGemv::makeInput(Value rows) {
  x = b.shared(memory, input);
  fusion.producer->prepare(memory, rows);
  int64_t lanes = fusion.producer->lanes();
  Value vectors = b.index(c.k / lanes);
  b.loop(b.thread(), b.mul(rows, vectors), b.index(b.threads),
         [&](Value number) {
           Value row = b.div(number, vectors);
           Value k = b.mul(b.rem(number, vectors), b.index(lanes));
           Value elements = fusion.producer->at(row, k, lanes);
           b.storeAligned(elements, x, {row, k});
           if (fusion.publish)
             b.when(b.eq(column, b.index(0)), [&] {
               b.storeAligned(elements, fusion.producer->result(), {row, k});
             });
         });
  b.barrier();
}

/// Leaves each warp's sums of `count` rows in shared memory.
void ContractGemv::compute(int64_t count, const Contraction::Tile &at) {
  // Rows beyond the last are read as the last; nothing stores them.
  Value last = b.sub(at.end, b.index(1));
  xRows.clear();
  for (int64_t r = 0; r < count; ++r)
    xRows.push_back(c.place(b.min(b.add(at.first, b.index(r)), last)).x);

  // With many rows registers are for sums.
  int64_t loads = c.layout.isCoded() ? c.layout.kQuad : run;
  int64_t rounds =
      std::max<int64_t>(kInFlight / (count > 4 ? 2 : 1) / loads, 1);
  int64_t step = round() * rounds, whole = c.pairs / step * step;
  Values sums(count, b.splat(0.0, kEach));
  if (whole > 0)
    sums = b.loop(b.index(0), b.index(whole), b.index(step), sums,
                  [&](Value first, ValueRange carried) {
                    return addProducts(first, rounds, carried);
                  });
  if (whole < c.pairs)
    sums = b.loop(b.index(whole), b.index(c.pairs), b.index(round()), sums,
                  [&](Value first, ValueRange carried) {
                    Value exists =
                        b.lt(b.add(first, ownPair), b.index(c.pairs));
                    return b.choose(
                        exists, carried.getTypes(),
                        [&] { return addProducts(first, 1, carried); },
                        [&] { return Values(carried); });
                  });
  Value buffer = b.shared(memory, partial);
  Values totals;
  for (Value sum : sums)
    totals.push_back(addLanes(sum));
  b.when(b.lt(lane, b.index(columns / kEach)), [&] {
    for (auto [r, total] : llvm::enumerate(totals))
      b.storeAligned(total, buffer,
                     {warp, b.index(r), b.mul(lane, b.index(kEach))});
  });
}

/// Adds `rounds` turns of all warps, from pair `first` on; all loads first.
Values ContractGemv::addProducts(Value first, int64_t rounds, ValueRange sums) {
  Values result(sums);
  SmallVector<Values> weights, inputs;
  auto pairOf = [&](int64_t i) {
    return b.add(b.add(first, ownPair), b.index(i * round()));
  };
  auto load = [&](int64_t i, int64_t part, Value row) {
    Value pair = b.add(pairOf(i), b.index(part * run / parts()));
    return loadInputs(row, b.mul(pair, b.index(c.kp)));
  };
  for (int64_t i = 0; i < rounds; ++i)
    weights.push_back(loadRun(pairOf(i)));
  for (int64_t i = 0; i < rounds; ++i)
    for (int64_t part = 0; part < parts(); ++part)
      for (Value row : xRows)
        inputs.push_back(load(i, part, row));
  for (int64_t i = 0; i < rounds; ++i)
    for (int64_t part = 0; part < parts(); ++part) {
      size_t rows = xRows.size(), at = (i * parts() + part) * rows;
      Values ws = weightsOf(weights[i], part);
      for (size_t r = 0; r < rows; ++r)
        multiply(ws, inputs[at + r], result[r]);
    }
  return result;
}

/// Four outputs of each of the lane's consecutive pairs, as stored.
Values ContractGemv::loadRun(Value pair) {
  Value first = pair;
  if (c.layout.isCoded())
    first = b.div(pair, b.index(c.layout.perWord / c.kp));
  Values loaded;
  for (int64_t i = 0; i < loadsOfRun(); ++i)
    loaded.push_back(
        c.weights(expert, panel, b.add(first, b.index(i)), output, kEach));
  if (c.layout.hasBlockScales()) {
    Value block = b.div(pair, b.index(run));
    loaded.push_back(
        c.loadWords(expert, panel, c.scaleRow(block), output, kEach));
    loaded.push_back(block);
  }
  return loaded;
}

/// The pairs of half a block of codes, 0 or 1.
Values ContractGemv::decodeHalf(ValueRange loaded, int64_t half) {
  Values pairs;
  Value scales;
  if (c.layout.hasBlockScales())
    scales = c.blockScales(loaded[loadsOfRun()], loaded.back());
  for (int64_t i = 0; i < c.layout.kQuad; ++i)
    pairs.push_back(c.decodePairs(loaded[i / c.layout.lanesOfWord()],
                                  b.index(i), half, scales));
  return pairs;
}

/// Of a part of what was loaded, one vector of outputs for each k.
Values ContractGemv::weightsOf(ValueRange loaded, int64_t part) {
  Values ws;
  for (Value pairs :
       c.layout.isCoded() ? decodeHalf(loaded, part) : Values(loaded))
    llvm::append_range(ws,
                       c.kp == 2 ? halves(pairs) : Values{b.widen(pairs)});
  return ws;
}

/// Adds the products of a row's inputs and the lane's weights.
void ContractGemv::multiply(ValueRange weights, ValueRange inputs, Value &sum) {
  for (auto [w, x] : llvm::zip_equal(weights, scalars(inputs)))
    sum = b.fma(b.splat(x, kEach), w, sum);
}

/// A row's inputs for a part of the lane's consecutive pairs, as stored.
Values ContractGemv::loadInputs(Value row, Value k) {
  Values loaded;
  int64_t count = run / parts() * c.kp, lanes = std::min(xLanes, count);
  for (int64_t i = 0; i < count; i += lanes)
    loaded.push_back(
        b.loadRawAligned(x, {row, b.add(k, b.index(i))}, lanes));
  return loaded;
}

/// Two vectors of f32 from pairs of bf16.
Values ContractGemv::halves(Value pairs) {
  auto [even, odd] = b.splitPairs(pairs);
  return {even, odd};
}

/// Inputs as f32, in their order.
Values ContractGemv::scalars(ValueRange loaded) {
  Values result;
  for (Value vector : loaded) {
    Type element = cast<VectorType>(vector.getType()).getElementType();
    int64_t lanes = lanesOf(vector);
    bool split = element.isBF16() && lanes % 2 == 0;
    Values parts = split ? halves(vector) : Values{b.widen(vector)};
    int64_t count = parts.size();
    for (int64_t i = 0; i < lanes; ++i)
      result.push_back(
          vector::ExtractOp::create(b, parts[i % count], i / count));
  }
  return result;
}

/// Adds what lanes with the same outputs have.
Value ContractGemv::addLanes(Value sums) {
  Values elements;
  for (int64_t i = 0; i < kEach; ++i) {
    Value total = vector::ExtractOp::create(b, sums, i);
    for (int64_t mask = columns / kEach; mask < kWarp; mask *= 2)
      total = b.add(total, b.shuffleXor(total, mask));
    elements.push_back(total);
  }
  return vector::FromElementsOp::create(b, sums.getType(), elements);
}

/// One thread per output adds the warps.
void ContractGemv::finish(const Contraction::Tile &at) {
  Value buffer = b.shared(memory, partial);
  for (int64_t from = 0; from < rows * columns; from += b.threads) {
    Value number = b.add(b.thread(), b.index(from));
    Value row = b.div(number, b.index(columns));
    Value own = b.rem(number, b.index(columns));
    b.when(b.lt(b.add(at.first, row), at.end), [&] {
      Value total = b.load(buffer, {b.index(0), row, own});
      for (int64_t w = 1; w < warps; ++w)
        total = b.add(total, b.load(buffer, {b.index(w), row, own}));
      c.finish(b.splat(total, 1), expert, c.place(b.add(at.first, row)),
               b.add(column, own));
    });
  }
}

void braid::emitContractGemv(Contraction &contraction, int64_t rows,
                             const GemvFusion &fusion) {
  ContractGemv(contraction, rows, fusion).emit();
}

bool braid::fitsContractGemv(Contraction &contraction, int64_t rows,
                             RowProducer *producer) {
  constexpr int64_t kMost = 99 << 10; // sm_86, sm_89 and sm_120.
  return ContractGemv(contraction, rows, {producer}).sharedBytes() <= kMost;
}
