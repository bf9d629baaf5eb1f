//===- OutlineParallel.cpp - parallel regions become functions
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

namespace braid {
#define GEN_PASS_DEF_OUTLINEPARALLEL
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

class OutlineParallel
    : public braid::impl::OutlineParallelBase<OutlineParallel> {
  void runOnOperation() override;
  void outline(ParallelOp op, StringRef name, int64_t number);

  int64_t scratch = 0;
};

} // namespace

/// (captures..., lo, hi, scratch) -> (). Constants are repeated inside.
void OutlineParallel::outline(ParallelOp op, StringRef name,
                              int64_t number) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(op.getBody(), used);
  SmallVector<Value> captures, constants;
  for (Value value : used) {
    Operation *definition = value.getDefiningOp();
    bool constant =
        definition && definition->hasTrait<OpTrait::ConstantLike>();
    (constant ? constants : captures).push_back(value);
  }
  Block &region = op.getBody().front();
  OpBuilder b(&getContext());
  SmallVector<Type> types(ValueRange(captures).getTypes());
  llvm::append_range(types, region.getArgumentTypes());
  auto body = func::FuncOp::create(op.getLoc(), name,
                                   b.getFunctionType(types, {}));
  body.setPrivate();
  Block *entry = body.addEntryBlock();
  IRMapping map;
  map.map(captures, entry->getArguments().take_front(captures.size()));
  map.map(region.getArguments(),
          entry->getArguments().drop_front(captures.size()));
  b.setInsertionPointToStart(entry);
  for (Value constant : constants)
    b.clone(*constant.getDefiningOp(), map);
  for (Operation &inner : region.without_terminator())
    b.clone(inner, map);
  func::ReturnOp::create(b, op.getLoc());
  SymbolTable(getOperation()).insert(body);

  b.setInsertionPoint(op);
  DispatchOp::create(b, op.getLoc(), body.getSymName(), op.getStep(),
                     op.getN(), captures, op.getGrain(), number);
  scratch = std::max<int64_t>(scratch, op.getScratch());
  op.erase();
}

void OutlineParallel::runOnOperation() {
  SmallVector<func::FuncOp> kernels;
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (function->hasAttr(kKernelAttr))
      kernels.push_back(function);
  for (func::FuncOp kernel : kernels) {
    int64_t number =
        kernel->getAttrOfType<IntegerAttr>(kKernelAttr).getInt();
    SmallVector<ParallelOp> ops;
    kernel.walk([&](ParallelOp op) { ops.push_back(op); });
    for (auto [i, op] : llvm::enumerate(ops)) {
      std::string name = (kernel.getSymName() + "_body").str();
      if (i > 0)
        name += std::to_string(i);
      outline(op, name, number);
    }
  }
  OpBuilder b(&getContext());
  getOperation()->setAttr(kThreadScratchAttr, b.getI64IntegerAttr(scratch));
}
