//===- KernelGroup.cpp - which compute ops are one kernel
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelGroup.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace braid;

std::string braid::partName(Operation *op) {
  std::string name = op->getName().stripDialect().str();
  if (auto loc = op->getLoc()->findInstanceOf<NameLoc>()) {
    // "normed" of "mixer.norm": the part's name is the inner one.
    while (auto part = dyn_cast<NameLoc>(loc.getChildLoc()))
      loc = part;
    StringRef text = loc.getName().getValue();
    text.consume_front("mixer.");
    name = text.str();
  }
  if (isa<GroupRowsOp, CombineExpertsOp, RouteOp, TapOp>(op))
    name = op->getName().stripDialect().str();
  if (auto contract = dyn_cast<PackedContractOp>(op);
      contract && !contract.getGroups().empty())
    name += contract.getGather() ? "_up" : "_down";
  return name;
}

Operation *braid::mainOp(func::FuncOp kernel) {
  Operation *last = nullptr;
  kernel.walk([&](DestinationStyleOpInterface op) {
    if (!isa_and_present<PackedContractOp>(last) || isa<PackedContractOp>(op))
      last = op;
  });
  return last;
}

static bool touches(Operation *op, Value buffer) {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return bufferOf(operand) == buffer;
  });
}

/// Whether `op` writes into something that `other` reads or writes.
static bool writesInto(Operation *op, Operation *other) {
  auto inits = cast<DestinationStyleOpInterface>(op).getDpsInits();
  return llvm::any_of(inits, [&](Value init) {
    return touches(other, bufferOf(init));
  });
}

/// Whether `op` and `other` may run in any order.
static bool independent(Operation *op, Operation *other) {
  return !writesInto(op, other) && !writesInto(other, op);
}

static bool isDense(Operation *op) {
  auto contract = dyn_cast<PackedContractOp>(op);
  return contract && contract.getGroups().empty();
}

/// The number of rows of a temporary, if it says so.
static Value rowsOf(Value view) {
  auto alloc = bufferOf(view).getDefiningOp<memref::AllocOp>();
  return alloc && !alloc.getDynamicSizes().empty() ? alloc.getDynamicSizes()[0]
                                                   : Value();
}

/// Why `next` may be in one kernel with `ops`, all of them contractions; empty
/// if it may not.
static std::string whyBeside(PackedContractOp next, ArrayRef<Operation *> ops) {
  auto first = cast<PackedContractOp>(ops[0]);
  if (!isDense(next) || !llvm::all_of(ops, [&](Operation *op) {
        return independent(next, op);
      }))
    return "";
  std::string name = partName(next) + ": ";
  if (isDense(first))
    return next.getX() == first.getX() ? name + "same input as " + partName(first)
                                       : "";
  Value rows = rowsOf(next.getX());
  if (first.getGather() || ops.size() > 1 || !rows ||
      rows != rowsOf(first.getX()))
    return "";
  return name + "independent of " + partName(first);
}

/// Whether `conv` reads columns of what `contract` computes and nothing else
/// writes: then a block of few rows has all inputs of its columns at hand. What
/// both write has to be apart from what either reads.
static bool readsColumns(CausalConvOp conv, PackedContractOp contract) {
  auto columns = conv.getX().getDefiningOp<memref::SubViewOp>();
  return columns && isDense(contract) &&
         columns.getSource() == contract.getInit() &&
         columns.getSource().getDefiningOp<memref::AllocOp>() &&
         columns.getStaticOffset(0) == 0 && !columns.isDynamicOffset(1) &&
         columns.hasUnitStride() &&
         conv->getBlock() == contract->getBlock() &&
         !writesInto(conv, contract);
}

/// The contractions at the front that may run at the same time; a convolution
/// goes with the one that makes its input.
static KernelGroup takeContractions(ArrayRef<Operation *> ops) {
  KernelGroup group;
  size_t count = 0;
  while (count < ops.size() && isa<PackedContractOp>(ops[count]) &&
         ops[count]->getBlock() == ops[0]->getBlock()) {
    if (count > 0) {
      std::string reason = whyBeside(cast<PackedContractOp>(ops[count]),
                                     ops.take_front(count));
      if (reason.empty())
        break;
      group.reasons.push_back(reason);
    }
    ++count;
  }
  auto conv = count == 1 && ops.size() > 1 ? dyn_cast<CausalConvOp>(ops[1])
                                           : CausalConvOp();
  if (conv && readsColumns(conv, cast<PackedContractOp>(ops[0]))) {
    group.reasons.push_back(partName(conv) + ": columns of " +
                            partName(ops[0]));
    ++count;
  }
  group.ops = ops.take_front(count);
  return group;
}

/// Whether nothing but `op`, which writes the temporary, and `reader` uses it or
/// a view of it.
static bool onlyReadBy(Operation *reader, Operation *op, Value buffer) {
  return buffer.getDefiningOp<memref::AllocOp>() &&
         llvm::all_of(buffer.getUsers(), [&](Operation *user) {
           return user == op || user == reader;
         });
}

/// Why `contract` may be in one kernel with `op`, which computes `rows`; empty if
/// it may not.
static std::string whyBehind(PackedContractOp contract, Operation *op,
                             Value rows) {
  std::string name = partName(op) + ": ";
  if (contract.getX() == rows)
    return name + "input of " + partName(contract);
  // An element of the sum over experts is computed where it is added.
  if (isa<CombineExpertsOp>(op) &&
      llvm::is_contained(contract.getExtras(), rows) &&
      onlyReadBy(contract, op, rows))
    return name + "only " + partName(contract) + " adds it";
  return "";
}

/// A norm or a sum over experts with the contractions behind it, if they write
/// nothing that it reads or writes. It has to leave its own input alone as well.
static KernelGroup takeWithSource(ArrayRef<Operation *> ops) {
  KernelGroup group = takeContractions(ops.drop_front());
  auto op = cast<DestinationStyleOpInterface>(ops[0]);
  Value rows = op.getDpsInits()[0];
  bool apart = llvm::none_of(op.getDpsInputs(), [&](Value input) {
    return bufferOf(input) == bufferOf(rows);
  });
  std::string reason;
  for (Operation *other : group.ops) {
    apart &= !writesInto(other, op);
    auto contract = dyn_cast<PackedContractOp>(other);
    if (!contract)
      continue; // A convolution reads what its contraction writes.
    std::string why = whyBehind(contract, op, rows);
    if (reason.empty())
      reason = why;
    apart &= !why.empty() && isDense(contract);
  }
  if (group.ops.empty() || !apart)
    return {ops.take_front(1), {}};
  group.reasons.insert(group.reasons.begin(), reason);
  group.ops = ops.take_front(1 + group.ops.size());
  return group;
}

KernelGroup braid::takeGroup(ArrayRef<Operation *> ops) {
  if (isa<PackedContractOp>(ops[0]))
    return takeContractions(ops);
  if (isa<RmsNormOp, CombineExpertsOp>(ops[0]))
    return takeWithSource(ops);
  auto route = dyn_cast<RouteOp>(ops[0]);
  auto sort = ops.size() > 1 ? dyn_cast<GroupRowsOp>(ops[1]) : GroupRowsOp();
  if (route && sort && sort.getIds() == route.getIdsInit())
    return {ops.take_front(2), {partName(sort) + ": sorts what route chose"}};
  return {ops.take_front(1), {}};
}
