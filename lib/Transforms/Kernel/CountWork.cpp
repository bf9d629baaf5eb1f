//===- CountWork.cpp - notes what each kernel computes and reads
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelGroup.h"
#include "braid/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"

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
  int64_t rowBytes = 0;      ///< Activations.
  int64_t sequenceBytes = 0; ///< State, of each sequence of the step.
  int64_t contextBytes = 0;  ///< Of each token before the step's, too.
  int64_t contextFlops = 0;  ///< Of a row and a token before it.
};

} // namespace

/// A multiply-add is two FLOPs. Weights: of the whole product; or of one expert,
/// if there is a stack of which a row uses `choices`.
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

/// Bytes of all that `type` has but for the sizes that only a step knows.
static int64_t staticBytes(Type type) {
  auto shaped = cast<ShapedType>(type);
  int64_t bytes = shaped.getElementTypeBitWidth() / 8;
  for (int64_t size : shaped.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  return bytes;
}

/// A layer's part of a pool, read and written.
static int64_t stateBytes(Value pool) {
  return 2 * staticBytes(pool.getType()) /
         cast<ShapedType>(pool.getType()).getDimSize(0);
}

/// The recurrence: each element of the state decays, takes one product in and
/// gives one out.
static void count(SsdScanOp op, Work &work) {
  auto pool = cast<ShapedType>(op.getPool().getType()).getShape();
  work.flops += 5 * pool[2] * pool[3] * pool[4];
  work.sequenceBytes += stateBytes(op.getPool());
}

/// Keys and values are read; a multiply-add is two FLOPs, for the scores and for
/// the sum.
static void count(AttentionOp op, Work &work) {
  int64_t layers = cast<ShapedType>(op.getKPool().getType()).getDimSize(0);
  work.contextBytes += 2 * staticBytes(op.getKPool().getType()) / layers;
  auto q = cast<ShapedType>(op.getQ().getType());
  work.contextFlops += 4 * q.getShape().back();
}

/// What a kernel takes of other kernels and gives to them, per row.
static int64_t rowBytes(func::FuncOp kernel) {
  int64_t bytes = 0;
  for (Type type : kernel.getArgumentTypes())
    if (auto rows = dyn_cast<MemRefType>(type);
        rows && rows.getRank() && rows.isDynamicDim(0))
      bytes += staticBytes(rows);
  return bytes;
}

static Work workOf(func::FuncOp kernel) {
  Work work;
  if (Operation *op = mainOp(kernel))
    work.op = op->getName().stripDialect();
  work.rowBytes = rowBytes(kernel);
  kernel.walk([&](DestinationStyleOpInterface op) {
    if (auto contract = dyn_cast<PackedContractOp>(*op))
      count(contract, work);
    if (auto scan = dyn_cast<SsdScanOp>(*op))
      count(scan, work);
    if (auto conv = dyn_cast<CausalConvOp>(*op))
      work.sequenceBytes += stateBytes(conv.getPool());
    if (auto attention = dyn_cast<AttentionOp>(*op))
      count(attention, work);
  });
  return work;
}

namespace {
class CountWork : public braid::impl::CountWorkBase<CountWork> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    auto step = symbols.lookup<func::FuncOp>("step");
    llvm::StringMap<int64_t> calls;
    llvm::StringMap<int64_t> last; // By the step itself, behind all layers.
    std::function<void(func::FuncOp)> visit = [&](func::FuncOp function) {
      function.walk([&](func::CallOp call) {
        ++calls[call.getCallee()];
        auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
        if (function == step && callee->hasAttr(kKernelAttr))
          ++last[call.getCallee()];
        else if (function == step)
          last.clear();
        visit(callee);
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
               b.getNamedAttr("outputs", b.getBoolAttr(
                                             calls[name] &&
                                             calls[name] == last[name])),
               number("calls", calls[name]), number("flops", work.flops),
               number("weight_bytes", work.weightBytes),
               number("expert_bytes", work.expertBytes),
               number("experts", work.experts),
               number("choices", work.choices),
               number("row_bytes", work.rowBytes),
               number("sequence_bytes", work.sequenceBytes),
               number("context_bytes", work.contextBytes),
               number("context_flops", work.contextFlops)}));
    }
  }
};
} // namespace
