//===- Norm.cpp - row-wise ops: gather_rows, rms_norm, sample, tap
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace braid;
using namespace braid::detail;

LogicalResult GatherRowsOp::verify() {
  if (failed(verifyInits(*this)))
    return failure();
  if (failed(requireStatic(*this, "gather_c1", getInit(), {1})))
    return failure();
  if (!fits(getTable(), {kAny, dim(getInit(), 1)}) ||
      !fits(getInit(), {kAny, kAny}))
    return emitOpError("gather_c1: expected table [V, H] and y [T, H] of one "
                       "width, found ")
           << getTable().getType() << " and " << getInit().getType();
  if (!fits(getIds(), {kAny}) || !elementType(getIds()).isInteger(32))
    return emitOpError("gather_c2: expected i32 ids of rank 1, found ")
           << getIds().getType();
  return success();
}

LogicalResult RmsNormOp::verify() {
  if (failed(verifyInits(*this)))
    return failure();
  if (failed(requireStatic(*this, "norm_c1", getX(), {1})))
    return failure();
  int64_t width = dim(getX(), 1);
  if (!fits(getX(), {kAny, width}) || !fits(getInit(), {kAny, width}) ||
      (getGate() && !fits(getGate(), {kAny, width})) ||
      !fits(getWeight(), {width}) || !isSmallWeight(getWeight()))
    return emitOpError("norm_c1: expected x, gate and y [T, ")
           << width << "] and an f32 weight [" << width << "]";
  if (getGroups() < 1 || width % int64_t(getGroups()) != 0)
    return emitOpError("norm_c2: ")
           << getGroups() << " groups do not divide the width " << width;
  if (!(getEps().convertToDouble() > 0))
    return emitOpError("norm_c3: expected a positive eps");
  return success();
}

LogicalResult SampleOp::verify() {
  if (failed(verifyInits(*this)) ||
      failed(requireStatic(*this, "sample_c1", getLogits(), {1})))
    return failure();
  if (!fits(getLogits(), {kAny, kAny}) || !elementType(getLogits()).isF32())
    return emitOpError("sample_c1: expected f32 logits [T, V], found ")
           << getLogits().getType();
  auto isRow = [](Value value, bool isFloat) {
    Type element = elementType(value);
    return fits(value, {kAny}) &&
           (isFloat ? element.isF32() : element.isInteger(32));
  };
  if (!isRow(getTemperatures(), true) || !isRow(getKeys(), false) ||
      !isRow(getChosen(), false))
    return emitOpError("sample_c2: expected f32 temperatures, i32 keys and i32 "
                       "chosen ids of rank 1, found ")
           << getTemperatures().getType() << ", " << getKeys().getType()
           << " and " << getChosen().getType();
  return success();
}

LogicalResult TapOp::verify() {
  if (failed(verifyInits(*this)) ||
      failed(requireStatic(*this, "tap_c1", getX(), {1})))
    return failure();
  if (!fits(getX(), {kAny, kAny}) ||
      !fits(getHidden(), {kAny, kAny, dim(getX(), 1)}) ||
      !elementType(getHidden()).isF32())
    return emitOpError("tap_c1: expected x [T, H] and f32 hidden [taps, T, H], "
                       "found ")
           << getX().getType() << " and " << getHidden().getType();
  return success();
}

/// No tap is taken where the dump has room for none.
LogicalResult TapOp::canonicalize(TapOp op, PatternRewriter &rewriter) {
  if (dim(op.getHidden(), 0) != 0)
    return rewriter.notifyMatchFailure(op, "the dump may have room");
  rewriter.replaceOp(op, op.getDpsInits().take_front(op->getNumResults()));
  return success();
}
