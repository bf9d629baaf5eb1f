//===- FormKernels.cpp - makes each compute op a kernel
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace braid {
#define GEN_PASS_DEF_FORMKERNELS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

static bool isCompute(Operation *op) {
  return isa<DestinationStyleOpInterface>(op);
}

/// "mixer.in_proj" -> in_proj.
static std::string partName(Operation *op) {
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

/// in_proj in block mamba0 -> mamba0_in_proj.
static std::string kernelName(func::FuncOp block, ArrayRef<Operation *> ops) {
  std::string full = block.getSymName().str();
  for (Operation *op : ops)
    full += "_" + partName(op);
  llvm::replace(full, '.', '_');
  return full;
}

/// The buffer that a view shows.
static Value bufferOf(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  return view;
}

static bool isDense(Operation *op) {
  auto contract = dyn_cast<PackedContractOp>(op);
  return contract && contract.getGroups().empty();
}

/// Whether `next` may be in one kernel with `ops`: contractions of one input and
/// kind of weight, of which none reads or writes what another one writes.
static bool mayJoin(Operation *next, ArrayRef<Operation *> ops) {
  if (!isDense(next) || !isDense(ops[0]) ||
      next->getBlock() != ops[0]->getBlock())
    return false;
  auto contract = cast<PackedContractOp>(next);
  auto first = cast<PackedContractOp>(ops[0]);
  // A kernel has one schedule, which depends on what is multiplied.
  if (contract.getX() != first.getX() ||
      getElementTypeOrSelf(contract.getWeight()) !=
          getElementTypeOrSelf(first.getWeight()))
    return false;
  auto touches = [](Operation *op, Value buffer) {
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return bufferOf(operand) == buffer;
    });
  };
  return llvm::all_of(ops, [&](Operation *op) {
    Value written = bufferOf(cast<PackedContractOp>(op).getInit());
    return !touches(next, written) && !touches(op, bufferOf(contract.getInit()));
  });
}

/// Constants outside of the op that its epilogue reads; they are repeated
/// inside the kernel, while operands are passed even if they are constants: a
/// layer's number must not make a kernel of its own.
static llvm::SetVector<Value> capturedConstants(ArrayRef<Operation *> ops) {
  llvm::SetVector<Value> captured;
  for (Operation *op : ops)
    getUsedValuesDefinedAbove(op->getRegions(), captured);
  return captured;
}

/// Moves copies of `ops` into a new private function of their operands.
static func::FuncOp outline(ArrayRef<Operation *> ops, StringRef name,
                            ArrayRef<Value> operands) {
  Location loc = ops[0]->getLoc();
  OpBuilder b(ops[0]->getContext());
  IRMapping map;
  auto kernel = func::FuncOp::create(
      loc, name, b.getFunctionType(TypeRange(ValueRange(operands)), {}));
  kernel.setPrivate();
  Block *entry = kernel.addEntryBlock();
  b.setInsertionPointToStart(entry);
  map.map(operands, entry->getArguments());
  for (Value constant : capturedConstants(ops))
    b.clone(*constant.getDefiningOp(), map);
  for (Operation *op : ops)
    b.clone(*op, map);
  func::ReturnOp::create(b, loc);
  return kernel;
}

/// The kernel's text without its name: equal text, equal kernel.
static std::string contentOf(func::FuncOp kernel) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << kernel.getFunctionType();
  kernel.getBody().front().print(out);
  return text;
}

namespace {
class FormKernels : public braid::impl::FormKernelsBase<FormKernels> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> blocks;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function->hasAttr("braid.prepare"))
        blocks.push_back(function);
    for (func::FuncOp block : blocks) {
      SmallVector<Operation *> ops;
      block.walk([&](Operation *op) {
        if (isCompute(op))
          ops.push_back(op);
      });
      for (ArrayRef<Operation *> rest = ops; !rest.empty();) {
        size_t count = 1;
        while (count < rest.size() &&
               mayJoin(rest[count], rest.take_front(count)))
          ++count;
        form(block, rest.take_front(count));
        rest = rest.drop_front(count);
      }
    }
  }

  /// The call stands where the last op was: there all operands are known.
  void form(func::FuncOp block, ArrayRef<Operation *> ops) {
    llvm::SetVector<Value> operands;
    for (Operation *op : ops)
      operands.insert(op->operand_begin(), op->operand_end());
    ArrayRef<Value> arguments = operands.getArrayRef();
    func::FuncOp kernel = outline(ops, kernelName(block, ops), arguments);
    auto [entry, fresh] = kernels.try_emplace(contentOf(kernel), kernel);
    OpBuilder b(ops.back());
    if (fresh) {
      kernel->setAttr(kKernelAttr, b.getI64IntegerAttr(kernels.size() - 1));
      SymbolTable(getOperation()).insert(kernel);
      ++numKernels;
    } else {
      kernel.erase();
    }
    func::CallOp::create(b, ops[0]->getLoc(), entry->second, arguments);
    for (Operation *op : ops)
      op->erase();
  }

  llvm::StringMap<func::FuncOp> kernels;
};
} // namespace
