//===- GroupContractions.cpp - contractions that can run at once, side by side
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace braid {
#define GEN_PASS_DEF_GROUPCONTRACTIONS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// Collects, operands first, what has to move with `op` if it is to stand behind
/// `place`. False if that includes a compute op: then it depends on one between
/// them.
static bool collect(Operation *op, Operation *place,
                    llvm::SetVector<Operation *> &moved) {
  for (Value operand : op->getOperands()) {
    Operation *definition = operand.getDefiningOp();
    if (!definition || definition->getBlock() != place->getBlock() ||
        definition->isBeforeInBlock(place) || definition == place ||
        moved.contains(definition))
      continue;
    if (isa<DestinationStyleOpInterface>(definition) ||
        !isMemoryEffectFree(definition) ||
        !collect(definition, place, moved))
      return false;
    moved.insert(definition);
  }
  return true;
}

/// Contractions of one input, and any beside the second one of experts. Only
/// into a new buffer: one that ops in between still read would be copied.
static bool mayFollow(PackedContractOp op, PackedContractOp first) {
  bool fits = first.getGroups().empty() ? op.getX() == first.getX()
                                        : !first.getGather();
  return fits && op.getGroups().empty() &&
         op.getInit().getDefiningOp<tensor::EmptyOp>();
}

namespace {
class GroupContractions
    : public braid::impl::GroupContractionsBase<GroupContractions> {
  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      for (auto first :
           llvm::make_early_inc_range(block.getOps<PackedContractOp>()))
        gather(first);
  }

  /// Moves all that may follow `first` up to it.
  void gather(PackedContractOp first) {
    SmallVector<PackedContractOp> others;
    for (Operation *op = first->getNextNode(); op; op = op->getNextNode())
      if (auto other = dyn_cast<PackedContractOp>(op);
          other && mayFollow(other, first))
        others.push_back(other);
    Operation *place = first;
    for (PackedContractOp other : others) {
      llvm::SetVector<Operation *> moved;
      if (!collect(other, place, moved))
        continue;
      moved.insert(other);
      for (Operation *op : moved) {
        op->moveAfter(place);
        place = op;
      }
      ++numMoved;
    }
  }
};
} // namespace
