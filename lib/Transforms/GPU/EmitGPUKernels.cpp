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
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace braid {
#define GEN_PASS_DEF_EMITGPUKERNELS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// `scratch` grows to the bytes that the kernel's launches share.
static LogicalResult emitOp(Operation *op, Value context,
                            GPUScheduleAttr schedule, int64_t &scratch) {
  if (isa<PackedContractOp>(op) && schedule.getStrategy() == "mma" &&
      schedule.getTile().empty())
    return op->emitOpError("is to use tensor cores, but its schedule has no "
                           "tile");
  GPUEmitter emitter(op, context, schedule);
  auto result = llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<RmsNormOp, CausalConvOp, SsdScanOp, GatherRowsOp, SampleOp, TapOp,
            CombineExpertsOp, RouteOp, GroupRowsOp>([&](auto compute) {
        emitter.emit(compute);
        compute.erase();
        return success();
      })
      .Case<AttentionOp, PackedContractOp>([&](auto compute) {
        if (failed(emitter.emit(compute)))
          return failure();
        compute.erase();
        return success();
      })
      .Default([](Operation *other) {
        return other->emitOpError("has no GPU emitter");
      });
  scratch = std::max(scratch, emitter.scratchBytes());
  return result;
}

/// Kernels run one after another, so all of them share one place.
static void extendArena(ModuleOp module, int64_t scratch) {
  SmallVector<int64_t> arena(2);
  if (auto planned = module->getAttrOfType<DenseI64ArrayAttr>(kArenaAttr))
    arena.assign(planned.asArrayRef().begin(), planned.asArrayRef().end());
  arena[0] += scratch;
  module->setAttr(kArenaAttr, DenseI64ArrayAttr::get(module.getContext(), arena));
}

/// Launches that belong to no op yet are this one's.
static void markLaunches(func::FuncOp kernel, int64_t member) {
  Builder b(kernel.getContext());
  kernel.walk([&](gpu::LaunchOp launch) {
    if (!launch->hasAttr(kMemberAttr))
      launch->setAttr(kMemberAttr, b.getI64IntegerAttr(member));
  });
}

namespace {
class EmitGPUKernels : public braid::impl::EmitGPUKernelsBase<EmitGPUKernels> {
  void runOnOperation() override {
    int64_t scratch = 0;
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      auto schedule = kernel->getAttrOfType<GPUScheduleAttr>(kScheduleAttr);
      if (!schedule)
        continue;
      SmallVector<Operation *> ops;
      kernel.walk([&](DestinationStyleOpInterface op) { ops.push_back(op); });
      for (auto [member, op] : llvm::enumerate(ops)) {
        if (failed(emitOp(op, kernel.getArgument(0), schedule, scratch)))
          return signalPassFailure();
        if (ops.size() > 1)
          markLaunches(kernel, int64_t(member));
      }
      kernel->setAttr(kBlocksAttr, Builder(&getContext())
                                       .getI64IntegerAttr(schedule.getBlocks()));
      kernel->setAttr(kStrategyAttr, StringAttr::get(&getContext(),
                                                     schedule.getStrategy()));
      kernel->removeAttr(kScheduleAttr);
    }
    if (scratch > 0)
      extendArena(getOperation(), scratch);
  }
};
} // namespace
