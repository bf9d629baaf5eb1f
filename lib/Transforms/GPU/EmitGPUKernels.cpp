//===- EmitGPUKernels.cpp - writes each kernel as grids of threads
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace braid {
#define GEN_PASS_DEF_EMITGPUKERNELS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

static LogicalResult emitAlone(GPUEmitter &b, Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<RmsNormOp, CausalConvOp, GatherRowsOp, SampleOp, TapOp,
            CombineExpertsOp, RouteOp, GroupRowsOp>([&](auto compute) {
        b.emit(compute);
        return success();
      })
      .Case<AttentionOp, SsdScanOp>([&](auto compute) { return b.emit(compute); })
      .Default([](Operation *other) {
        return other->emitOpError("has no GPU emitter");
      });
}

/// The ops of a kernel, as `form-kernels` puts them together.
static LogicalResult emitOps(GPUEmitter &b, ArrayRef<Operation *> ops) {
  if (llvm::any_of(ops, llvm::IsaPred<PackedContractOp>))
    return emitContractions(b, ops);
  if (ops.size() == 1)
    return emitAlone(b, ops[0]);
  auto route = dyn_cast<RouteOp>(ops[0]);
  auto group = dyn_cast<GroupRowsOp>(ops[1]);
  if (ops.size() > 2 || !route || !group)
    return ops[1]->emitOpError("has no GPU emitter behind ")
           << ops[0]->getName() << " in one kernel";
  b.emitRouting(route, group);
  return success();
}

/// Kernels run one after another, so all of them share one place.
static void extendArena(ModuleOp module, int64_t scratch) {
  SmallVector<int64_t> arena(2);
  if (auto planned = module->getAttrOfType<DenseI64ArrayAttr>(kArenaAttr))
    arena.assign(planned.asArrayRef().begin(), planned.asArrayRef().end());
  arena[0] += scratch;
  module->setAttr(kArenaAttr, DenseI64ArrayAttr::get(module.getContext(), arena));
}

namespace {
class EmitGPUKernels : public braid::impl::EmitGPUKernelsBase<EmitGPUKernels> {
  void runOnOperation() override {
    int64_t scratch = 0;
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      if (!kernel->getAttrOfType<GPUScheduleAttr>(kScheduleAttr))
        continue;
      SmallVector<Operation *> ops;
      kernel.walk([&](DestinationStyleOpInterface op) { ops.push_back(op); });
      GPUEmitter emitter(ops[0], kernel.getArgument(0));
      if (failed(emitOps(emitter, ops)))
        return signalPassFailure();
      for (Operation *op : ops)
        op->erase();
      scratch = std::max(scratch, emitter.scratchBytes());
      kernel->removeAttr(kScheduleAttr);
    }
    if (scratch > 0)
      extendArena(getOperation(), scratch);
  }
};
} // namespace
