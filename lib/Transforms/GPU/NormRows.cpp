//===- NormRows.cpp - rows of rms_norm for a block of another op
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NormElements.h"
#include "RowProducer.h"

using namespace mlir;
using namespace braid;

namespace {

/// Sums of squares are parted among the block's warps as they are among those of
/// the op's own launch: a part is what one of those would add.
class NormRows : public RowProducer {
public:
  NormRows(GPUEmitter &b, RmsNormOp op) : b(b), norm(b, op) {
    int64_t vectors = norm.width / norm.lanes;
    // Warps without any vector would add zeros.
    parts = std::min(norm.threads, int64_t(llvm::alignTo(vectors, kWarp))) /
            kWarp;
  }

  Value result() override { return norm.op.getInit(); }
  int64_t lanes() override { return norm.lanes; }
  void reserve(SharedMemory &memory, int64_t rows) override;
  void prepare(const SharedMemory &memory, Value rows) override;
  Value at(Value row, Value column, int64_t lanes) override {
    Value group = b.div(column, b.index(norm.width));
    Value factor = b.load(factors, {groupOf(row, group)});
    return norm.scale(norm.load(row, column, lanes), factor, column);
  }

private:
  /// Parts of which a warp reads the elements at once.
  static constexpr int64_t kAtOnce = 4;

  Value groupOf(Value row, Value group) {
    return b.add(b.mul(row, b.index(norm.groups)), group);
  }
  Value squaresOf(Value part);
  void addParts(Value rows, Value sums);

  GPUEmitter &b;
  NormElements norm;
  int64_t parts, most = 0;
  size_t sumsNumber = 0, factorsNumber = 0;
  Value factors; ///< Of each group of each row.
};

} // namespace

void NormRows::reserve(SharedMemory &memory, int64_t rows) {
  most = rows * norm.groups;
  sumsNumber = memory.reserve({most * parts}, b.getF32Type());
  factorsNumber = memory.reserve({most}, b.getF32Type());
}

/// A lane's squares of one part.
Value NormRows::squaresOf(Value part) {
  Value group = b.div(part, b.index(parts));
  Value row = b.div(group, b.index(norm.groups));
  Value base = b.mul(b.rem(group, b.index(norm.groups)), b.index(norm.width));
  Value first = b.add(b.mul(b.rem(part, b.index(parts)), b.index(kWarp)),
                      b.toIndex(b.lane()));
  auto type = VectorType::get({norm.lanes}, b.getF32Type());
  Value squares = b.splat(0.0, norm.lanes);
  for (int64_t piece = 0; piece < norm.pieces(); ++piece) {
    Value vector = b.add(first, b.index(piece * norm.threads));
    Value column = b.add(base, b.mul(vector, b.index(norm.lanes)));
    auto read = [&]() -> Values {
      return {norm.load(row, column, norm.lanes)};
    };
    auto zeros = [&]() -> Values { return {b.splat(0.0, norm.lanes)}; };
    Value exists = b.lt(vector, b.index(norm.width / norm.lanes));
    Value v = norm.always(piece) ? read()[0]
                                 : b.choose(exists, type, read, zeros)[0];
    squares = b.fma(v, v, squares);
  }
  return b.sumLanes(squares);
}

void NormRows::addParts(Value rows, Value sums) {
  int64_t warps = b.threads / kWarp;
  int64_t atOnce =
      std::min<int64_t>(kAtOnce, llvm::divideCeil(most * parts, warps));
  Value count = b.mul(rows, b.index(norm.groups * parts));
  Value last = b.sub(count, b.index(1));
  b.loop(b.warp(), count, b.index(warps * atOnce), [&](Value first) {
    Values numbers, squares;
    for (int64_t i = 0; i < atOnce; ++i) {
      numbers.push_back(b.add(first, b.index(i * warps)));
      squares.push_back(squaresOf(b.min(numbers.back(), last)));
    }
    for (auto [number, sum] : llvm::zip_equal(numbers, squares)) {
      for (int64_t mask = kWarp / 2; mask >= 1; mask /= 2)
        sum = b.add(sum, b.shuffleXor(sum, mask));
      Value mine = b.both(b.lt(number, count), b.eq(b.lane(), b.i32(0)));
      b.when(mine, [&, number = number, sum = sum] {
        b.store(sum, sums, {number});
      });
    }
  });
}

void NormRows::prepare(const SharedMemory &memory, Value rows) {
  Value sums = b.shared(memory, sumsNumber);
  factors = b.shared(memory, factorsNumber);
  addParts(rows, sums);
  b.barrier();
  Value count = b.mul(rows, b.index(norm.groups));
  b.loop(b.thread(), count, b.index(b.threads), [&](Value group) {
    Value first = b.mul(group, b.index(parts));
    Value total = b.load(sums, {first});
    for (int64_t part = 1; part < parts; ++part)
      total = b.add(total, b.load(sums, {b.add(first, b.index(part))}));
    b.store(norm.factor(total), factors, {group});
  });
  b.barrier();
}

std::unique_ptr<RowProducer> braid::makeNormRows(GPUEmitter &b, RmsNormOp op) {
  return std::make_unique<NormRows>(b, op);
}
