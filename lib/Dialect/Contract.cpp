//===- Contract.cpp - contractions with packed weights
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"

using namespace mlir;
using namespace braid;
using namespace braid::detail;

/// (contract_c1) x [T, K] or [T, k, K], weight [E]? [N/32, K/kp, 32, kp].
static LogicalResult verifyPacked(PackedContractOp op) {
  bool grouped = !op.getGroups().empty();
  auto weight = cast<ShapedType>(op.getWeight().getType());
  auto x = cast<ShapedType>(op.getX().getType());
  auto y = cast<ShapedType>(op.getInit().getType());
  if (weight.getRank() != (grouped ? 5 : 4) || !weight.hasStaticShape())
    return op.emitOpError("contract_c1: expected a packed weight, found ")
           << weight;
  ArrayRef<int64_t> packed = weight.getShape().take_back(4);
  int64_t n = y.getShape().back(), k = x.getShape().back();
  if (packed[2] != kPanel || packed[0] != llvm::divideCeil(n, kPanel) ||
      packed[1] != int64_t(llvm::divideCeil(k, packed[3])))
    return op.emitOpError("contract_c1: weight ")
           << weight << " does not cover N = " << n << ", K = " << k;
  if (grouped && op.getGroups().size() != 3)
    return op.emitOpError("contract_c1: expected order, begin and active");
  return success();
}

LogicalResult PackedContractOp::verify() {
  if (failed(verifyInits(*this)) || failed(verifyPacked(*this)))
    return failure();
  Block &body = getEpilogue().front();
  SmallVector<Type> expected = {Float32Type::get(getContext())};
  for (Value extra : getExtras())
    expected.push_back(elementType(extra));
  expected.push_back(elementType(getInit()));
  if (!llvm::equal(body.getArgumentTypes(), expected))
    return emitOpError("contract_c2: expected epilogue arguments (")
           << expected << ")";
  auto yield = cast<YieldOp>(body.getTerminator());
  if (yield->getNumOperands() != 1 ||
      yield->getOperand(0).getType() != expected.back())
    return emitOpError("contract_c2: expected the epilogue to yield one ")
           << expected.back();
  int64_t n = cast<ShapedType>(getInit().getType()).getShape().back();
  for (Value extra : getExtras())
    if (!fits(extra, {kAny, n}) && !fits(extra, {n}))
      return emitOpError("contract_c3: expected extras [T, N] or [N], found ")
             << extra.getType();
  return success();
}
