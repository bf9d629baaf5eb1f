//===- EmitGPUKernels.cpp - writes each kernel as grids of threads
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GPUEmitter.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace braid {
#define GEN_PASS_DEF_EMITGPUKERNELS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

static LogicalResult emitOp(Operation *op, Value context,
                            GPUScheduleAttr schedule) {
  GPUEmitter emitter(op, context, schedule);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<RmsNormOp, GatherRowsOp, TapOp, CombineExpertsOp, RouteOp,
            GroupRowsOp>([&](auto compute) {
        emitter.emit(compute);
        compute.erase();
        return success();
      })
      .Default([](Operation *other) {
        return other->emitOpError("has no GPU emitter");
      });
}

namespace {
class EmitGPUKernels : public braid::impl::EmitGPUKernelsBase<EmitGPUKernels> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      auto schedule = kernel->getAttrOfType<GPUScheduleAttr>(kScheduleAttr);
      if (!schedule)
        continue;
      SmallVector<Operation *> ops;
      kernel.walk([&](DestinationStyleOpInterface op) { ops.push_back(op); });
      for (Operation *op : ops)
        if (failed(emitOp(op, kernel.getArgument(0), schedule)))
          return signalPassFailure();
      kernel->setAttr(kBlocksAttr, Builder(&getContext())
                                       .getI64IntegerAttr(schedule.getBlocks()));
      kernel->removeAttr(kScheduleAttr);
    }
  }
};
} // namespace
