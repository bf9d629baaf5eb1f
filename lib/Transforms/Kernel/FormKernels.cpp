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

/// "mixer.in_proj" in block mamba0 -> mamba0_in_proj.
static std::string kernelName(func::FuncOp block, Operation *op) {
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
  std::string full = (block.getSymName() + "_" + name).str();
  llvm::replace(full, '.', '_');
  return full;
}

/// Constants outside of the op that its epilogue reads; they are repeated
/// inside the kernel, while operands are passed even if they are constants: a
/// layer's number must not make a kernel of its own.
static llvm::SetVector<Value> capturedConstants(Operation *op) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  return captured;
}

/// Moves a copy of `op` into a new private function of its operands.
static func::FuncOp outline(Operation *op, StringRef name,
                            ArrayRef<Value> operands) {
  OpBuilder b(op->getContext());
  IRMapping map;
  auto kernel = func::FuncOp::create(
      op->getLoc(), name,
      b.getFunctionType(TypeRange(ValueRange(operands)), {}));
  kernel.setPrivate();
  Block *entry = kernel.addEntryBlock();
  b.setInsertionPointToStart(entry);
  map.map(operands, entry->getArguments());
  for (Value constant : capturedConstants(op))
    b.clone(*constant.getDefiningOp(), map);
  b.clone(*op, map);
  func::ReturnOp::create(b, op->getLoc());
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
      for (Operation *op : ops)
        form(block, op);
    }
  }

  void form(func::FuncOp block, Operation *op) {
    llvm::SetVector<Value> operands(op->operand_begin(), op->operand_end());
    ArrayRef<Value> arguments = operands.getArrayRef();
    func::FuncOp kernel = outline(op, kernelName(block, op), arguments);
    auto [entry, fresh] = kernels.try_emplace(contentOf(kernel), kernel);
    OpBuilder b(op);
    if (fresh) {
      kernel->setAttr(kKernelAttr, b.getI64IntegerAttr(kernels.size() - 1));
      SymbolTable(getOperation()).insert(kernel);
      ++numKernels;
    } else {
      kernel.erase();
    }
    func::CallOp::create(b, op->getLoc(), entry->second, arguments);
    op->erase();
  }

  llvm::StringMap<func::FuncOp> kernels;
};
} // namespace
