//===- Attention.cpp - the attention op
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"

using namespace mlir;
using namespace braid;
using namespace braid::detail;

LogicalResult AttentionOp::verify() {
  if (failed(verifyInits(*this)))
    return failure();
  if (getKPool().getType() != getVPool().getType() ||
      !fits(getKPool(), {kAny, kAny, kAny, kAny, kAny}))
    return emitOpError("attention_c3: expected two pools [L, S, nkv, C, hd] of "
                       "one type, found ")
           << getKPool().getType() << " and " << getVPool().getType();
  if (failed(requireStatic(*this, "attention_c3", getKPool(), {2, 4})) ||
      failed(requireStatic(*this, "attention_c2", getQ(), {1})))
    return failure();
  int64_t kvHeads = dim(getKPool(), 2), headDim = dim(getKPool(), 4);
  int64_t kvWidth = kvHeads * headDim, width = dim(getQ(), 1);
  if (!fits(getK(), {kAny, kvWidth}) || !fits(getV(), {kAny, kvWidth}))
    return emitOpError("attention_c1: expected k and v [T, ")
           << kvHeads << "*" << headDim << "], found " << getK().getType()
           << " and " << getV().getType();
  if (!fits(getQ(), {kAny, width}) || !fits(getInit(), {kAny, width}) ||
      width % kvWidth != 0)
    return emitOpError("attention_c2: expected q and y [T, nq*")
           << headDim << "] with nq a multiple of " << kvHeads << ", found "
           << getQ().getType() << " and " << getInit().getType();
  if (!(getScale().convertToDouble() > 0))
    return emitOpError("attention_c4: expected a positive scale");
  return success();
}
