//===- ForkTargets.cpp - copies the step and its kernels for each GPU target
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"

namespace braid {
#define GEN_PASS_DEF_FORKTARGETS
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// Appends copies of `functions` to the module; calls in them stay among them.
static void fork(ModuleOp module, ArrayRef<func::FuncOp> functions,
                 StringRef target) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  auto nameFor = [&](StringRef name) { return (name + "_" + target).str(); };
  for (func::FuncOp function : functions) {
    auto copy = cast<func::FuncOp>(b.clone(*function));
    copy.setSymName(nameFor(function.getSymName()));
    copy->setAttr(kTargetAttr, b.getStringAttr(target));
    copy.walk([&](func::CallOp call) {
      call.setCallee(nameFor(call.getCallee()));
    });
  }
}

namespace {
class ForkTargets : public braid::impl::ForkTargetsBase<ForkTargets> {
public:
  using ForkTargetsBase::ForkTargetsBase;

private:
  void runOnOperation() override {
    if (targets.empty())
      return;
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function->hasAttr("braid.prepare"))
        functions.push_back(function);
    SmallVector<StringRef> names(targets.begin(), targets.end());
    for (StringRef target : names)
      fork(getOperation(), functions, target);
    OpBuilder b(&getContext());
    getOperation()->setAttr(kGPUTargetsAttr, b.getStrArrayAttr(names));
  }
};
} // namespace
