//===- LowerToReference.cpp - reference kernels become plain loops
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "braid/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace braid {
#define GEN_PASS_DEF_LOWERTOREFERENCE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

static LogicalResult lowerOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<GatherRowsOp, RmsNormOp, TapOp, CausalConvOp, SsdScanOp,
            AttentionOp, RouteOp, ExpertsOp, GroupRowsOp, CombineExpertsOp,
            PackedContractOp>([](auto compute) {
        Reference(compute).lower(compute);
        compute.erase();
        return success();
      })
      .Default([](Operation *other) {
        return other->emitOpError("has no reference lowering");
      });
}

namespace {
class LowerToReference
    : public braid::impl::LowerToReferenceBase<LowerToReference> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      auto schedule = kernel->getAttrOfType<ScheduleAttr>(kScheduleAttr);
      if (!schedule || schedule.getStrategy() != "reference")
        continue;
      SmallVector<Operation *> ops;
      kernel.walk([&](DestinationStyleOpInterface op) { ops.push_back(op); });
      for (Operation *op : ops)
        if (failed(lowerOp(op)))
          return signalPassFailure();
      kernel->removeAttr(kScheduleAttr);
      ++numKernels;
    }
  }
};
} // namespace
