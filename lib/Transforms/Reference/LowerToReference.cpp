//===- LowerToReference.cpp - reference kernels become plain loops
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace braid {
#define GEN_PASS_DEF_LOWERTOREFERENCE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

static LogicalResult lowerOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<GatherRowsOp, RmsNormOp, SampleOp, TapOp, CausalConvOp, SsdScanOp,
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

/// Moves the op into a grid of one thread.
static void launchAlone(Operation *op, StringAttr strategy) {
  OpBuilder b(op);
  Value one = arith::ConstantIndexOp::create(b, op->getLoc(), 1);
  auto launch = gpu::LaunchOp::create(b, op->getLoc(), one, one, one, one, one,
                                      one);
  launch->setAttr(kStrategyAttr, strategy);
  launch->setAttr(kOpAttr, b.getStringAttr(op->getName().stripDialect()));
  b.setInsertionPointToEnd(&launch.getBody().front());
  auto end = gpu::TerminatorOp::create(b, op->getLoc());
  op->moveBefore(end);
}

/// Whether the kernel asks for the op's definition, on a CPU or on a GPU.
static bool wantsReference(func::FuncOp kernel) {
  Attribute schedule = kernel->getAttr(kScheduleAttr);
  if (auto cpu = dyn_cast_or_null<ScheduleAttr>(schedule))
    return cpu.getStrategy() == "reference";
  auto gpu = dyn_cast_or_null<GPUScheduleAttr>(schedule);
  return gpu && gpu.getStrategy() == "reference";
}

namespace {
class LowerToReference
    : public braid::impl::LowerToReferenceBase<LowerToReference> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      if (!wantsReference(kernel))
        continue;
      auto gpu = kernel->getAttrOfType<GPUScheduleAttr>(kScheduleAttr);
      SmallVector<Operation *> ops;
      kernel.walk([&](DestinationStyleOpInterface op) { ops.push_back(op); });
      for (Operation *op : ops) {
        if (gpu)
          launchAlone(op, StringAttr::get(&getContext(), gpu.getStrategy()));
        if (failed(lowerOp(op)))
          return signalPassFailure();
      }
      kernel->removeAttr(kScheduleAttr);
      ++numKernels;
    }
  }
};
} // namespace
