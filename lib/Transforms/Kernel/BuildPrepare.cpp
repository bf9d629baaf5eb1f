//===- BuildPrepare.cpp - makes the functions that bring weights into layout
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Dialect/PackedLayout.h"
#include "braid/Transforms/LoopBuilder.h"
#include "braid/Transforms/Passes.h"
#include "braid/Transforms/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FormatVariadic.h"

namespace braid {
#define GEN_PASS_DEF_BUILDPREPARE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

/// Writes one preparation function: sources..., dest. A stack is prepared
/// expert by expert, so everything here is about one [N, K] or [N].
class PrepareBuilder {
public:
  PrepareBuilder(ModuleOp module, WeightOp weight)
      : b(weight.getLoc(), weight.getContext()), weight(weight),
        storage(cast<StorageAttr>(
                    cast<RankedTensorType>(weight.getType()).getEncoding())
                    .getKind()) {
    auto logical = cast<RankedTensorType>(weight.getType());
    auto packedType = cast<RankedTensorType>(*weight.getPacked());
    shape.assign(logical.getShape().begin(), logical.getShape().end());
    packed.assign(packedType.getShape().begin(), packedType.getShape().end());
    if (shape.size() == 3) {
      shape.erase(shape.begin());
      packed.erase(packed.begin());
    }
    element = packedType.getElementType();
    b.setInsertionPointToEnd(module.getBody());
  }

  /// What distinguishes one preparation from another.
  std::string key() {
    std::string text;
    llvm::raw_string_ostream out(text);
    out << stringifyStorageKind(storage) << '|' << element << '|'
        << weight.getTransform().value_or("");
    for (int64_t size : shape)
      out << 'x' << size;
    for (int64_t size : packed)
      out << ',' << size;
    return text;
  }

  func::FuncOp build(StringRef name);

private:
  SmallVector<Type> sourceTypes();
  /// The stored value at logical (row, column), in f32, transform applied.
  Value valueAt(Value row, Value column);
  Value stored(Value row, Value column);
  Value e4m3(Value byte);
  Value codeAt(Value row, Value column);
  void packPanels();
  void packWords();
  void eachWord(int64_t lo, int64_t hi,
                function_ref<Value(Value, Value)> word);
  Value codes(const PackedLayout &layout, Value row, Value number);
  Value blockScales(Value row, Value number);
  Value placed(Value word, Value bits, int64_t shift);
  void copyPlain();

  LoopBuilder b;
  WeightOp weight;
  StorageKind storage;
  SmallVector<int64_t> shape, packed;
  Type element;
  ValueRange sources;
  Value dest;
};

} // namespace

SmallVector<Type> PrepareBuilder::sourceTypes() {
  auto stored = [&](ArrayRef<int64_t> sizes, Type type) -> Type {
    return MemRefType::get(sizes, type);
  };
  int64_t n = shape[0], k = shape.size() > 1 ? shape[1] : 1;
  Type byte = b.getI8Type(), f32 = b.getF32Type();
  SmallVector<int64_t> sizes = shape;
  if (weight.getTransform() == "transpose")
    std::swap(sizes[0], sizes[1]);
  switch (storage) {
  case StorageKind::F32:
    return {stored(sizes, f32)};
  case StorageKind::BF16:
    return {stored(sizes, b.getBF16Type())};
  case StorageKind::F16:
    return {stored(sizes, b.getF16Type())};
  case StorageKind::FP8:
    return {stored({n, k}, byte), stored({1}, f32)};
  case StorageKind::NVFP4:
    return {stored({n, k / 2}, byte), stored({n, k / 16}, byte),
            stored({1}, f32)};
  }
  llvm_unreachable("all storages listed");
}

Value PrepareBuilder::e4m3(Value byte) {
  Value bits = arith::ExtUIOp::create(b, b.getI32Type(), byte);
  return decode(b, kE4M3, bits, 0);
}

Value PrepareBuilder::stored(Value row, Value column) {
  if (storage == StorageKind::FP8)
    return b.mul(e4m3(b.load(sources[0], {row, column})),
                 b.load(sources[1], {b.index(0)}));
  if (storage == StorageKind::NVFP4) {
    Value block =
        e4m3(b.load(sources[1], {row, b.div(column, b.index(16))}));
    Value scale = b.mul(block, b.load(sources[2], {b.index(0)}));
    return b.mul(decode(b, kE2M1, codeAt(row, column), 0), scale);
  }
  if (weight.getTransform() == "transpose")
    std::swap(row, column);
  SmallVector<Value> at = {row};
  if (shape.size() > 1)
    at.push_back(column);
  return b.widen(b.load(sources[0], at));
}

Value PrepareBuilder::valueAt(Value row, Value column) {
  Value value = stored(row, column);
  return weight.getTransform() == "neg_exp" ? b.neg(b.exp(value)) : value;
}

/// dest[panel][pair][row][p] = W[panel*32 + row][pair*kp + p], zero outside.
void PrepareBuilder::packPanels() {
  Value zero = b.index(0);
  int64_t n = shape[0], k = shape[1], kp = packed[3];
  b.loop(zero, b.index(packed[0]), [&](Value panel) {
    b.loop(zero, b.index(packed[1]), [&](Value pair) {
      b.loop(zero, b.index(kPanel), [&](Value inner) {
        b.loop(zero, b.index(kp), [&](Value p) {
          Value row = b.add(b.mul(panel, b.index(kPanel)), inner);
          Value column = b.add(b.mul(pair, b.index(kp)), p);
          Value inside = b.both(b.lt(row, b.index(n)),
                                b.lt(column, b.index(k)));
          Value value =
              b.choose(inside, b.getF32Type(),
                       [&] { return LoopBuilder::Values{valueAt(row, column)}; },
                       [&] { return LoopBuilder::Values{b.f32(0)}; })[0];
          b.store(b.narrow(value, element), dest, {panel, pair, inner, p});
        });
      });
    });
  });
}

/// Words [lo, hi) of every output, which `word` makes.
void PrepareBuilder::eachWord(int64_t lo, int64_t hi,
                              function_ref<Value(Value, Value)> word) {
  b.loop(b.index(0), b.index(packed[0]), [&](Value panel) {
    b.loop(b.index(lo), b.index(hi), [&](Value at) {
      b.loop(b.index(0), b.index(kPanel), [&](Value inner) {
        Value row = b.add(b.mul(panel, b.index(kPanel)), inner);
        Value number = b.sub(at, b.index(lo));
        Value value =
            b.choose(b.lt(row, b.index(shape[0])), b.getI32Type(),
                     [&] { return LoopBuilder::Values{word(row, number)}; },
                     [&] { return LoopBuilder::Values{b.i32(0)}; })[0];
        b.store(value, dest, {panel, at, inner});
      });
    });
  });
}

/// Codes and scales as they come from the checkpoint, in words.
void PrepareBuilder::packWords() {
  PackedLayout layout(storage, shape[1]);
  eachWord(0, 1, [&](Value, Value) -> Value {
    return arith::BitcastOp::create(b, b.getI32Type(),
                                    b.load(sources.back(), {b.index(0)}));
  });
  if (layout.hasBlockScales())
    eachWord(1, layout.scaleRows,
             [&](Value row, Value at) { return blockScales(row, at); });
  eachWord(layout.scaleRows, layout.rows, [&](Value row, Value at) {
    return codes(layout, row, at);
  });
}

/// Those of four blocks.
Value PrepareBuilder::blockScales(Value row, Value number) {
  Value word = b.i32(0);
  for (int64_t i = 0; i < 4; ++i) {
    Value block = b.add(b.mul(number, b.index(4)), b.index(i));
    Value byte = b.choose(
        b.lt(block, b.index(shape[1] / 16)), b.getI8Type(),
        [&] { return LoopBuilder::Values{b.load(sources[1], {row, block})}; },
        [&] {
          return LoopBuilder::Values{arith::ConstantIntOp::create(b, 0, 8)};
        })[0];
    word = placed(word, arith::ExtUIOp::create(b, b.getI32Type(), byte), 8 * i);
  }
  return word;
}

Value PrepareBuilder::placed(Value word, Value bits, int64_t shift) {
  return arith::OrIOp::create(
      b, word, arith::ShLIOp::create(b, bits, b.i32(shift)));
}

/// Word `number` of a row.
Value PrepareBuilder::codes(const PackedLayout &layout, Value row,
                            Value number) {
  Value blockRows = b.index(layout.blockRows());
  Value block = b.mul(b.div(number, blockRows), b.index(layout.kBlock));
  Value lane = b.mul(b.rem(number, blockRows), b.index(layout.lanesOfWord()));
  Value word = b.i32(0);
  for (int64_t i = 0; i < layout.lanesOfWord(); ++i)
    for (int64_t k = 0; k < 4; ++k) {
      // Inputs 2c, 2c + 1, 2c + 8, 2c + 9 of lane c.
      int64_t reg = k / 2, second = k % 2;
      Value column = b.add(b.add(block, b.mul(b.add(lane, b.index(i)), b.index(2))),
                           b.index(8 * reg + second));
      word = placed(word, codeAt(row, column),
                    layout.shiftOf(i, reg) + 16 * second);
    }
  return word;
}

/// What the checkpoint has for one number, as i32.
Value PrepareBuilder::codeAt(Value row, Value column) {
  auto byteAt = [&](Value at) {
    return arith::ExtUIOp::create(b, b.getI32Type(),
                                  b.load(sources[0], {row, at}));
  };
  if (storage == StorageKind::FP8)
    return byteAt(column);
  // The low nibble is the even element.
  Value shift = b.mul(b.toI32(b.rem(column, b.index(2))), b.i32(4));
  Value both = byteAt(b.div(column, b.index(2)));
  return b.both(arith::ShRUIOp::create(b, both, shift), b.i32(15));
}

void PrepareBuilder::copyPlain() {
  Value zero = b.index(0);
  b.loop(zero, b.index(shape[0]), [&](Value row) {
    if (shape.size() == 1) {
      b.store(b.narrow(valueAt(row, zero), element), dest, {row});
      return;
    }
    b.loop(zero, b.index(shape[1]), [&](Value column) {
      b.store(b.narrow(valueAt(row, column), element), dest, {row, column});
    });
  });
}

func::FuncOp PrepareBuilder::build(StringRef name) {
  SmallVector<Type> inputs = sourceTypes();
  // Codes and scales share a buffer: it is one of words.
  bool coded = isa<Float8E4M3FNType>(element) || element.isInteger(8);
  inputs.push_back(coded ? MemRefType::get(ArrayRef(packed).drop_back(),
                                           b.getI32Type())
                         : MemRefType::get(packed, element));
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType(inputs, {}));
  function->setAttr("braid.prepare", b.getUnitAttr());
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  sources = entry->getArguments().drop_back();
  dest = entry->getArguments().back();
  if (coded)
    packWords();
  else if (packed.size() == 4)
    packPanels();
  else
    copyPlain();
  func::ReturnOp::create(b);
  return function;
}

namespace {
class BuildPrepare : public braid::impl::BuildPrepareBase<BuildPrepare> {
  void runOnOperation() override {
    llvm::StringMap<std::string> built;
    ModuleOp module = getOperation();
    module.walk([&](WeightOp weight) {
      // A weight that nothing reads has no layout.
      if (!weight.getPacked())
        return;
      PrepareBuilder builder(module, weight);
      auto [entry, fresh] = built.try_emplace(builder.key());
      if (fresh) {
        entry->second =
            llvm::formatv("braid_prepare_{0}", built.size() - 1).str();
        builder.build(entry->second);
      }
      weight.setPrepare(entry->second);
    });
  }
};
} // namespace
