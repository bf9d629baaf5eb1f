//===- EmitCPUKernels.cpp - writes each kernel as loops and vectors
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace braid {
#define GEN_PASS_DEF_EMITCPUKERNELS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// `dot = bf16` is one instruction, for pairs of bf16: without either there is
/// nothing that it could mean.
static LogicalResult checkDot(Operation *op, func::FuncOp kernel,
                              bool dotsBF16) {
  auto contract = dyn_cast<PackedContractOp>(op);
  bool pairs =
      contract &&
      !getElementTypeOrSelf(contract.getWeight().getType()).isF32();
  if (cast<ScheduleAttr>(scheduleOf(op)).getDot() != "bf16" || (pairs && dotsBF16))
    return success();
  return op->emitOpError("of @")
         << kernel.getSymName() << ": dot = bf16 needs "
         << (pairs ? "the ISA level avx512-bf16"
                   : "a contraction with bf16 weights");
}

static LogicalResult emitOp(Operation *op, Value context) {
  Emitter emitter(op, context, cast<ScheduleAttr>(scheduleOf(op)));
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<PackedContractOp, GatherRowsOp, RmsNormOp, SampleOp, TapOp, CausalConvOp,
            SsdScanOp, AttentionOp, RouteOp, GroupRowsOp, CombineExpertsOp>(
          [&](auto compute) {
            emitter.emit(compute);
            compute.erase();
            return success();
          })
      .Default([](Operation *other) {
        return other->emitOpError("has no CPU emitter");
      });
}

namespace {
class EmitCPUKernels : public braid::impl::EmitCPUKernelsBase<EmitCPUKernels> {
public:
  using EmitCPUKernelsBase::EmitCPUKernelsBase;

private:
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      if (!kernel->getAttrOfType<ScheduleAttr>(kScheduleAttr))
        continue;
      SmallVector<Operation *> ops;
      kernel.walk([&](DestinationStyleOpInterface op) { ops.push_back(op); });
      for (Operation *op : ops)
        if (failed(checkDot(op, kernel, dotsBF16)) ||
            failed(emitOp(op, kernel.getArgument(0))))
          return signalPassFailure();
      kernel->removeAttr(kScheduleAttr);
    }
  }
};
} // namespace
