//===- VerifyKernelPhase.cpp - proves what the kernel phase promises
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace braid {
#define GEN_PASS_DEF_VERIFYKERNELPHASE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// Every violation is reported with the promise that it breaks.
static LogicalResult verifyOp(Operation *op) {
  if (isa<memref::AllocOp, memref::AllocaOp>(op))
    return op->emitOpError("allocates: a step allocates nothing");
  if (isa<memref::CopyOp>(op))
    return op->emitOpError("copies a buffer: state and activations are updated "
                           "in place");
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  if (llvm::any_of(op->getOperandTypes(), isTensor) ||
      llvm::any_of(op->getResultTypes(), isTensor))
    return op->emitOpError("uses a tensor after bufferization");
  return success();
}

namespace {
class VerifyKernelPhase
    : public braid::impl::VerifyKernelPhaseBase<VerifyKernelPhase> {
  void runOnOperation() override {
    bool ok = true;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.getNumResults() != 0) {
        function.emitError() << "@" << function.getSymName()
                             << " returns a buffer: state is updated in place";
        ok = false;
      }
      if (function->hasAttr(kKernelAttr) && !function->hasAttr(kScheduleAttr)) {
        function.emitOpError("is a kernel without a schedule");
        ok = false;
      }
      function.walk([&](Operation *op) { ok &= succeeded(verifyOp(op)); });
    }
    if (!ok)
      signalPassFailure();
  }
};
} // namespace
