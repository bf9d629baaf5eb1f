//===- SeparateDestinations.cpp - each op writes into a buffer of its own
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace braid {
#define GEN_PASS_DEF_SEPARATEDESTINATIONS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

static void separate(Operation *op, OpOperand &init, tensor::EmptyOp shared) {
  init.set(OpBuilder(op).clone(*shared)->getResult(0));
  if (shared->use_empty())
    shared.erase();
}

namespace {
class SeparateDestinations
    : public braid::impl::SeparateDestinationsBase<SeparateDestinations> {
  void runOnOperation() override {
    SmallVector<DestinationStyleOpInterface> ops;
    getOperation().walk(
        [&](DestinationStyleOpInterface op) { ops.push_back(op); });
    for (DestinationStyleOpInterface op : ops)
      for (OpOperand &init : op.getDpsInitsMutable())
        if (auto shared = init.get().getDefiningOp<tensor::EmptyOp>())
          separate(op, init, shared);
  }
};
} // namespace
