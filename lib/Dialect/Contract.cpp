//===- Contract.cpp - contractions with packed weights
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"
#include "braid/Dialect/PackedLayout.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace braid;
using namespace braid::detail;

/// (contract_c1) x [T, K] or [T, k, K], weight [E]? [N/32, rows, 32, kp].
static LogicalResult verifyPacked(PackedContractOp op) {
  bool grouped = !op.getGroups().empty();
  auto weight = cast<ShapedType>(op.getWeight().getType());
  auto x = cast<ShapedType>(op.getX().getType());
  auto y = cast<ShapedType>(op.getInit().getType());
  if (x.getRank() < 2 || x.getRank() > 3 || y.getRank() != (grouped ? 3 : 2))
    return op.emitOpError("contract_c1: expected x [T, K] or [T, k, K] and y ")
           << (grouped ? "[T, k, N]" : "[T, N]") << ", found " << x << " and "
           << y;
  if (weight.getRank() != (grouped ? 5 : 4) || !weight.hasStaticShape())
    return op.emitOpError("contract_c1: expected a packed weight, found ")
           << weight;
  ArrayRef<int64_t> packed = weight.getShape().take_back(4);
  if (failed(requireStatic(op, "contract_c1", op.getX(),
                           {unsigned(x.getRank() - 1)})) ||
      failed(requireStatic(op, "contract_c1", op.getInit(),
                           {unsigned(y.getRank() - 1)})))
    return failure();
  int64_t n = y.getShape().back(), k = x.getShape().back();
  auto layout = PackedLayout::of(weight, k);
  if (!layout || packed[3] != layout->kp ||
      (layout->format != StorageKind::F32 && !x.getElementType().isBF16()))
    return op.emitOpError("contract_c1: expected weights of f32, or x of bf16 and "
                          "weights of pairs of bf16 or words of codes, found ")
           << weight << " and " << x;
  if (packed[2] != kPanel || packed[1] != layout->rows ||
      packed[0] != int64_t(llvm::divideCeil(n, kPanel)))
    return op.emitOpError("contract_c1: weight ")
           << weight << " does not cover N = " << n << ", K = " << k;
  if (layout->isCoded() && k % PackedLayout::kBlock != 0)
    return op.emitOpError("contract_c1: codes come in blocks of 16 inputs, "
                          "and K = ")
           << k << " is no multiple";
  if (k % layout->kp != 0)
    return op.emitOpError("contract_c1: weights are packed in pairs of bf16, "
                          "and K = ")
           << k << " is odd; f32 has no pairs (--precision=f32)";
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

void PackedContractOp::getAsmBlockArgumentNames(Region &region,
                                                OpAsmSetValueNameFn setName) {
  auto arguments = region.getArguments();
  if (arguments.size() < 2)
    return;
  for (BlockArgument extra : arguments.drop_front().drop_back())
    setName(extra, "extra");
  setName(arguments.front(), "acc");
  setName(arguments.back(), "old");
}

/// Extras that the epilogue does not use, or that are there twice, go.
LogicalResult PackedContractOp::canonicalize(PackedContractOp op,
                                             PatternRewriter &rewriter) {
  Block &body = op.getEpilogue().front();
  SmallVector<Value> extras(op.getExtras()), kept;
  llvm::BitVector erased(body.getNumArguments());
  rewriter.startOpModification(op);
  for (auto [i, extra] : llvm::enumerate(extras)) {
    BlockArgument argument = body.getArgument(i + 1);
    auto first = llvm::find(ArrayRef<Value>(extras).take_front(i), extra);
    size_t twin = first - extras.begin();
    if (twin < i)
      rewriter.replaceAllUsesWith(argument, body.getArgument(twin + 1));
    if (argument.use_empty())
      erased.set(i + 1);
    else
      kept.push_back(extra);
  }
  if (erased.none()) {
    rewriter.cancelOpModification(op);
    return rewriter.notifyMatchFailure(op, "every extra is used once");
  }
  body.eraseArguments(erased);
  op.getExtrasMutable().assign(kept);
  rewriter.finalizeOpModification(op);
  return success();
}
