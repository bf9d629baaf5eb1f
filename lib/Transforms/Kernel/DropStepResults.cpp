//===- DropStepResults.cpp - the step's results are its arguments
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"

namespace braid {
#define GEN_PASS_DEF_DROPSTEPRESULTS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {
class DropStepResults
    : public braid::impl::DropStepResultsBase<DropStepResults> {
  void runOnOperation() override {
    auto step = getOperation().lookupSymbol<func::FuncOp>("step");
    if (!step)
      return;
    Operation *end = step.getBody().front().getTerminator();
    for (auto [i, result] : llvm::enumerate(end->getOperands()))
      if (!isa<BlockArgument>(result)) {
        end->emitOpError("result ")
            << i << " of @step is not updated in place";
        return signalPassFailure();
      }
    end->eraseOperands(0, end->getNumOperands());
    OpBuilder b(&getContext());
    step.setFunctionType(b.getFunctionType(step.getArgumentTypes(), {}));
  }
};
} // namespace
