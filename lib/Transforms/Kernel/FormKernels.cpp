//===- FormKernels.cpp - makes kernels of compute ops
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelGroup.h"
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

/// What several ops in one name are called.
static std::string shortName(StringRef part) {
  std::string name = part.str();
  for (auto [from, to] : {std::pair<StringRef, StringRef>{"_experts", ""},
                          {"_latent", ""}, {"_rows", ""}, {"_proj", ""}})
    if (size_t at = name.find(from); at != 0 && at != std::string::npos)
      name.replace(at, from.size(), to);
  return name;
}

/// in_proj in block mamba0 -> mamba0_in_proj. A norm or a convolution that goes
/// with others says little about the kernel.
static std::string kernelName(func::FuncOp block, const KernelGroup &group) {
  ArrayRef<Operation *> ops = group.ops;
  if (ops.size() > 1 && isa<RmsNormOp>(ops[0]))
    ops = ops.drop_front();
  if (ops.size() > 1 && isa<CausalConvOp>(ops.back()))
    ops = ops.drop_back();
  std::string full = block.getSymName().str();
  for (Operation *op : ops)
    full += "_" + (ops.size() == 1 ? partName(op) : shortName(partName(op)));
  llvm::replace(full, '.', '_');
  return full;
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
        KernelGroup group = takeGroup(rest);
        form(block, group);
        rest = rest.drop_front(group.ops.size());
      }
    }
  }

  /// The call stands where the last op was: there all operands are known.
  void form(func::FuncOp block, const KernelGroup &group) {
    ArrayRef<Operation *> ops = group.ops;
    llvm::SetVector<Value> operands;
    for (Operation *op : ops)
      operands.insert(op->operand_begin(), op->operand_end());
    ArrayRef<Value> arguments = operands.getArrayRef();
    func::FuncOp kernel = outline(ops, kernelName(block, group), arguments);
    auto [entry, fresh] = kernels.try_emplace(contentOf(kernel), kernel);
    OpBuilder b(ops.back());
    if (fresh) {
      kernel->setAttr(kKernelAttr, b.getI64IntegerAttr(kernels.size() - 1));
      if (!group.reasons.empty())
        kernel->setAttr(kFusedAttr, b.getStrArrayAttr(llvm::to_vector_of<StringRef>(group.reasons)));
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
