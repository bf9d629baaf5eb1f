//===- AsyncToSim.cpp - mbarriers, tiles and wgmma for the simulator
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SimFunction.h"
#include "braid/Transforms/Wgmma.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace braid;

/// A call that returns nothing, in place of an op whose results nobody uses.
LogicalResult SimFunction::replaceBy(Operation *op, int32_t which,
                                     ValueRange arguments) {
  call(op, which, Type(), arguments);
  op->erase();
  return success();
}

/// The token of an arrival is for a kind of wait that has no simulation.
LogicalResult SimFunction::rewriteArrival(Operation *op, Value bytes) {
  if (!op->use_empty())
    return op->emitOpError("has no simulation if its result is used");
  return replaceBy(op, SIM_CALL(mbarrier_arrive), {op->getOperand(0), bytes});
}

LogicalResult SimFunction::rewriteTile(
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) {
  if (op.getCoordinates().size() != 2 || op.getMulticastMask() ||
      op.getMode() != NVVM::TMALoadMode::TILE || op.getPredicate())
    return op.emitOpError("has no simulation but for tiles of two dimensions, "
                          "for one block, without a predicate");
  return replaceBy(op, SIM_CALL(copy_tile),
                   {op.getDstMem(), op.getTmaDescriptor(),
                    op.getCoordinates()[0], op.getCoordinates()[1],
                    op.getMbar()});
}

/// Of assembly only our own form of wgmma has a meaning here.
LogicalResult SimFunction::rewriteWgmma(LLVM::InlineAsmOp op) {
  std::optional<int64_t> columns = columnsOfWgmma(op);
  if (!columns)
    return op.emitOpError("has no simulation");
  int64_t sums = *columns / 2, registers = 4;
  Value words = frame(sums + registers);
  ValueRange operands = op.getOperands();
  for (int64_t i = 0; i < sums + registers; ++i)
    LLVM::StoreOp::create(b, operands[i], word(words, i));
  call(op, SIM_CALL(wgmma), Type(), {words, i32(*columns), operands.back()});
  replace(op, loadWords(words, 0, op->getResult(0).getType()));
  return success();
}

/// Announces where sums of wgmma are used by anything else than wgmma. They pass
/// through structures and the arguments of blocks.
void SimFunction::announceSums() {
  llvm::SetVector<Value> sums;
  function.walk([&](LLVM::InlineAsmOp op) {
    if (columnsOfWgmma(op))
      sums.insert(op->getResult(0));
  });
  llvm::SetVector<Operation *> users;
  for (size_t i = 0; i < sums.size(); ++i)
    for (OpOperand &use : sums[i].getUses()) {
      Operation *user = use.getOwner();
      if (isa<LLVM::ExtractValueOp, LLVM::InsertValueOp>(user)) {
        sums.insert(user->getResult(0));
      } else if (auto branch = dyn_cast<BranchOpInterface>(user)) {
        if (auto argument =
                branch.getSuccessorBlockArgument(use.getOperandNumber()))
          sums.insert(*argument);
      } else if (!isa<LLVM::InlineAsmOp>(user)) {
        users.insert(user);
      }
    }
  for (Operation *user : users) {
    b.setInsertionPoint(user);
    b.setLoc(user->getLoc());
    call(user, SIM_CALL(wgmma_read), Type(), ValueRange());
  }
}

LogicalResult SimFunction::rewriteAsync(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::MBarrierInitOp init) {
        return replaceBy(op, SIM_CALL(mbarrier_init),
                         {init.getAddr(), init.getCount()});
      })
      .Case([&](NVVM::MBarrierArriveOp arrive) -> LogicalResult {
        if (arrive.getCount())
          return op->emitOpError("has no simulation but for one arrival");
        return rewriteArrival(op, i32(0));
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp arrive) {
        return rewriteArrival(op, arrive.getTxcount());
      })
      .Case([&](NVVM::MBarrierTryWaitOp wait) -> LogicalResult {
        if (!wait.getStateOrPhase().getType().isInteger(32))
          return op->emitOpError("has no simulation but for a parity");
        Value done = call(op, SIM_CALL(mbarrier_wait), b.getI32Type(),
                          {wait.getAddr(), wait.getStateOrPhase()});
        replace(op, LLVM::TruncOp::create(b, b.getI1Type(), done));
        return success();
      })
      .Case([&](NVVM::FenceMbarrierInitOp) {
        return replaceBy(op, SIM_CALL(fence_mbarriers), {});
      })
      .Case([&](NVVM::FenceProxyOp fence) -> LogicalResult {
        if (fence.getKind() != NVVM::ProxyKind::async_shared)
          return op->emitOpError("has no simulation but for shared memory");
        return replaceBy(op, SIM_CALL(fence_async), {});
      })
      .Case([&](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp tile) {
        return rewriteTile(tile);
      })
      .Case([&](LLVM::InlineAsmOp assembly) { return rewriteWgmma(assembly); })
      .Case([&](NVVM::WgmmaFenceAlignedOp) {
        return replaceBy(op, SIM_CALL(wgmma_fence), {});
      })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp) {
        return replaceBy(op, SIM_CALL(wgmma_commit), {});
      })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp wait) {
        return replaceBy(op, SIM_CALL(wgmma_wait), {i64(wait.getGroup())});
      })
      .Default([](Operation *other) -> LogicalResult {
        // What would reach memory without a check.
        bool hidden =
            isa<LLVM::AtomicRMWOp, LLVM::AtomicCmpXchgOp, LLVM::MemcpyOp,
                LLVM::MemmoveOp, LLVM::MemsetOp, LLVM::MaskedLoadOp,
                LLVM::MaskedStoreOp, LLVM::masked_gather, LLVM::masked_scatter>(
                other);
        if (hidden || isa<NVVM::NVVMDialect>(other->getDialect()))
          return other->emitOpError("has no simulation");
        return success();
      });
}
