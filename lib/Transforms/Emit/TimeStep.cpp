//===- TimeStep.cpp - the length of a scan's step
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/TimeStep.h"

using namespace mlir;
using namespace braid;

Value braid::timeStep(LoopBuilder &b, SsdScanOp op, Value row, Value head) {
  Value v = b.add(b.widen(b.load(op.getDt(), {row, head})),
                  b.load(op.getDtBias(), {head}));
  Value step = b.softplus(v);
  double lo = op.getDtMin().convertToDouble();
  double hi = op.getDtMax().convertToDouble();
  if (lo > 0)
    step = b.max(step, b.f32(lo));
  if (!std::isinf(hi))
    step = b.min(step, b.f32(hi));
  return step;
}
