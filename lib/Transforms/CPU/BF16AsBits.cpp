//===- BF16AsBits.cpp - moves bf16 through memory as 16-bit integers
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace braid {
#define GEN_PASS_DEF_BF16ASBITS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// The type with i16 for bf16; null if it is not of bf16.
static Type bitsOf(Type type) {
  if (!getElementTypeOrSelf(type).isBF16())
    return nullptr;
  Type i16 = IntegerType::get(type.getContext(), 16);
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.cloneWith({}, i16);
  return i16;
}

static void loadBits(LLVM::LoadOp load, Type bits) {
  OpBuilder b(load.getContext());
  b.setInsertionPointAfter(load);
  Type type = load.getType();
  load.getResult().setType(bits);
  auto cast = LLVM::BitcastOp::create(b, load.getLoc(), type, load.getResult());
  load.getResult().replaceAllUsesExcept(cast, cast);
}

static void storeBits(LLVM::StoreOp store, Type bits) {
  OpBuilder b(store);
  store.getValueMutable().assign(
      LLVM::BitcastOp::create(b, store.getLoc(), bits, store.getValue()));
}

namespace {
class BF16AsBits : public braid::impl::BF16AsBitsBase<BF16AsBits> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
        if (Type bits = bitsOf(load.getType()))
          loadBits(load, bits);
      } else if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
        if (Type bits = bitsOf(store.getValue().getType()))
          storeBits(store, bits);
      }
    });
  }
};
} // namespace
