//===- ExpandMath.cpp - replaces exp, log1p, rounding by arithmetic
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace braid {
#define GEN_PASS_DEF_EXPANDMATH
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {
class ExpandMath : public braid::impl::ExpandMathBase<ExpandMath> {
public:
  using ExpandMathBase::ExpandMathBase;

private:
  FrozenRewritePatternSet patterns(bool expandBF16) {
    RewritePatternSet patterns(&getContext());
    auto ours = [](StringRef name) {
      return llvm::is_contained({"math.exp", "math.log1p", "math.log"}, name);
    };
    populateMathPolynomialApproximationPatterns(patterns, ours);
    if (expandBF16)
      arith::populateExpandBFloat16Patterns(patterns);
    return patterns;
  }

  void runOnOperation() override {
    FrozenRewritePatternSet cpu = patterns(!roundsBF16);
    FrozenRewritePatternSet gpu = patterns(/*expandBF16=*/false);
    for (Operation &op : *getOperation().getBody())
      if (failed(applyPatternsGreedily(
              &op, isa<gpu::GPUModuleOp>(op) ? gpu : cpu)))
        return signalPassFailure();
  }
};
} // namespace
