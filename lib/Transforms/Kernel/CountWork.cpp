//===- CountWork.cpp - notes what each kernel computes and reads
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"

namespace braid {
#define GEN_PASS_DEF_COUNTWORK
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

/// Of one call, per row that it processes.
struct Work {
  StringRef op;
  int64_t flops = 0, weightBytes = 0, expertBytes = 0, experts = 0, choices = 0;
};

} // namespace

/// A multiply-add is two FLOPs. Weights: of the whole product; or of one expert,
/// if there is a stack of which a row uses `choices`. A product of the step
/// itself, outside of all layers, is the head: its rows want logits.
static void count(PackedContractOp op, Work &work) {
  auto weight = cast<ShapedType>(op.getWeight().getType());
  auto packed = weight.getShape().take_back(4);
  int64_t bytes = weight.getElementTypeBitWidth() / 8;
  for (int64_t size : packed)
    bytes *= size;
  auto shapeOf = [](Value value) {
    return cast<ShapedType>(value.getType()).getShape();
  };
  int64_t flops = 2 * shapeOf(op.getX()).back() * shapeOf(op.getInit()).back();
  if (op.getGroups().empty()) {
    work.flops += flops;
    work.weightBytes += bytes;
    return;
  }
  work.experts = weight.getDimSize(0);
  work.choices = shapeOf(op.getGroups()[0])[1];
  work.flops += work.choices * flops;
  work.expertBytes += bytes;
}

/// The recurrence: each element of the state decays, takes one product in and
/// gives one out.
static void count(SsdScanOp op, Work &work) {
  auto pool = cast<ShapedType>(op.getPool().getType()).getShape();
  work.flops += 5 * pool[2] * pool[3] * pool[4];
}

static Work workOf(func::FuncOp kernel) {
  Work work;
  kernel.walk([&](DestinationStyleOpInterface op) {
    work.op = op->getName().stripDialect();
    if (auto contract = dyn_cast<PackedContractOp>(*op))
      count(contract, work);
    if (auto scan = dyn_cast<SsdScanOp>(*op))
      count(scan, work);
  });
  return work;
}

namespace {
class CountWork : public braid::impl::CountWorkBase<CountWork> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    auto step = symbols.lookup<func::FuncOp>("step");
    llvm::StringMap<int64_t> calls;
    llvm::StringMap<bool> direct; // Called by the step itself.
    std::function<void(func::FuncOp)> visit = [&](func::FuncOp function) {
      function.walk([&](func::CallOp call) {
        ++calls[call.getCallee()];
        if (function == step)
          direct[call.getCallee()] = true;
        visit(symbols.lookup<func::FuncOp>(call.getCallee()));
      });
    };
    if (step)
      visit(step);
    OpBuilder b(&getContext());
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      if (!kernel->hasAttr(kKernelAttr))
        continue;
      Work work = workOf(kernel);
      StringRef name = kernel.getSymName();
      auto number = [&](StringRef key, int64_t value) {
        return b.getNamedAttr(key, b.getI64IntegerAttr(value));
      };
      kernel->setAttr(
          kWorkAttr,
          b.getDictionaryAttr(
              {b.getNamedAttr("op", b.getStringAttr(work.op)),
               b.getNamedAttr("outputs", b.getBoolAttr(work.weightBytes &&
                                                       direct.lookup(name))),
               number("calls", calls[name]), number("flops", work.flops),
               number("weight_bytes", work.weightBytes),
               number("expert_bytes", work.expertBytes),
               number("experts", work.experts),
               number("choices", work.choices)}));
    }
  }
};
} // namespace
