//===- BindStep.cpp - buffers of the step are views of its context
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace braid {
#define GEN_PASS_DEF_BINDSTEP
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

class BindStep : public braid::impl::BindStepBase<BindStep> {
  void runOnOperation() override;
  void bindCallee(func::FuncOp callee, MutableArrayRef<func::CallOp> calls);

  func::FuncOp step;
};

} // namespace

/// What argument `number` of `@step` is, made from the context, which stands
/// before all others.
static Value makeView(OpBuilder &b, Location loc, Value context,
                      unsigned number, Type type) {
  unsigned place = number - 1, firstPool = unsigned(StepArgument::Pool);
  auto argument = StepArgument(std::min(place, firstPool));
  if (argument == StepArgument::Batch)
    return UnrealizedConversionCastOp::create(b, loc, TypeRange{type},
                                              ValueRange{context})
        .getResult(0);
  IntegerAttr pool;
  if (argument == StepArgument::Pool)
    pool = b.getI64IntegerAttr(place - firstPool);
  return StepViewOp::create(b, loc, type, context,
                            b.getStringAttr(stringifyStepArgument(argument)),
                            pool);
}

/// Replaces the arguments `bound` (position -> argument of `@step`).
static void bindArguments(func::FuncOp function,
                          const llvm::MapVector<unsigned, unsigned> &bound) {
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  llvm::BitVector erased(function.getNumArguments());
  for (auto [position, number] : bound) {
    BlockArgument argument = function.getArgument(position);
    argument.replaceAllUsesWith(makeView(b, function.getLoc(),
                                         function.getArgument(0), number,
                                         argument.getType()));
    erased.set(position);
  }
  (void)function.eraseArguments(erased);
}

/// An argument that every call passes the same argument of `@step` need not be
/// passed at all.
void BindStep::bindCallee(func::FuncOp callee,
                          MutableArrayRef<func::CallOp> calls) {
  llvm::MapVector<unsigned, unsigned> bound;
  for (unsigned i = 1; i < callee.getNumArguments(); ++i) {
    auto argument = dyn_cast<BlockArgument>(calls[0].getOperand(i));
    if (!argument || argument.getOwner() != &step.getBody().front())
      continue;
    bool same = llvm::all_of(calls, [&](func::CallOp call) {
      return call.getOperand(i) == argument;
    });
    if (same)
      bound[i] = argument.getArgNumber();
  }
  bindArguments(callee, bound);
  llvm::BitVector erased(calls[0]->getNumOperands());
  for (auto [position, number] : bound)
    erased.set(position);
  for (func::CallOp call : calls)
    call->eraseOperands(erased);
}

void BindStep::runOnOperation() {
  step = getOperation().lookupSymbol<func::FuncOp>("step");
  if (!step)
    return;
  llvm::MapVector<StringRef, SmallVector<func::CallOp>> calls;
  getOperation().walk([&](func::CallOp call) {
    calls[call.getCallee()].push_back(call);
  });
  for (auto &[name, sites] : calls)
    if (llvm::all_of(sites, [&](func::CallOp call) {
          return call->getParentOp() == step;
        }))
      bindCallee(getOperation().lookupSymbol<func::FuncOp>(name), sites);
  llvm::MapVector<unsigned, unsigned> own;
  for (unsigned i = 1; i < step.getNumArguments(); ++i)
    own[i] = i;
  bindArguments(step, own);
}
