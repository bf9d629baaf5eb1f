//===- Scan.cpp - ops with recurrent state: causal_conv, ssd_scan
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"

using namespace mlir;
using namespace braid;
using namespace braid::detail;

LogicalResult CausalConvOp::verify() {
  if (failed(verifyInits(*this)) ||
      failed(requireStatic(*this, "conv_c1", getX(), {1})) ||
      failed(requireStatic(*this, "conv_c1", getWeight(), {0})))
    return failure();
  int64_t channels = dim(getX(), 1), taps = dim(getWeight(), 0);
  if (!fits(getX(), {kAny, channels}) || !fits(getInit(), {kAny, channels}) ||
      !fits(getWeight(), {taps, channels}) ||
      (getBias() && !fits(getBias(), {channels})) ||
      !fits(getPool(), {kAny, kAny, kAny, channels}))
    return emitOpError("conv_c1: expected x, y [T, ")
           << channels << "], weight [K, " << channels << "], bias ["
           << channels << "], pool [L, S, K-1, " << channels << "]";
  if (dim(getPool(), 2) != taps - 1)
    return emitOpError("conv_c2: a convolution of ")
           << taps << " taps needs a pool of " << taps - 1 << " rows, found "
           << dim(getPool(), 2);
  if (elementType(getPool()) != elementType(getX()))
    return emitOpError(
               "conv_c3: expected the pool's elements to be those of x, ")
           << elementType(getX()) << ", found " << elementType(getPool());
  return success();
}

LogicalResult SsdScanOp::verify() {
  if (failed(verifyInits(*this)))
    return failure();
  if (!fits(getPool(), {kAny, kAny, kAny, kAny, kAny}))
    return emitOpError("scan_c1: expected a pool [L, S, nh, N, P], found ")
           << getPool().getType();
  if (failed(requireStatic(*this, "scan_c1", getPool(), {2, 3, 4})) ||
      failed(requireStatic(*this, "scan_c2", getB(), {1})))
    return failure();
  int64_t heads = dim(getPool(), 2), state = dim(getPool(), 3),
          headDim = dim(getPool(), 4);
  if (!fits(getX(), {kAny, heads * headDim}) ||
      !fits(getInit(), {kAny, heads * headDim}))
    return emitOpError("scan_c1: expected x and y [T, ")
           << heads << "*" << headDim << "], found " << getX().getType()
           << " and " << getInit().getType();
  int64_t width = dim(getB(), 1);
  if (!fits(getB(), {kAny, width}) || !fits(getC(), {kAny, width}) ||
      width % state != 0 || heads % (width / state) != 0)
    return emitOpError("scan_c2: expected B and C [T, G*")
           << state << "] with G dividing " << heads << ", found "
           << getB().getType() << " and " << getC().getType();
  if (!fits(getDt(), {kAny, heads}))
    return emitOpError("scan_c3: expected dt [T, ")
           << heads << "], found " << getDt().getType();
  for (Value vector : {getA(), getD(), getDtBias()})
    if (!fits(vector, {heads}) || !isSmallWeight(vector))
      return emitOpError("scan_c3: expected A, D, dt_bias to be f32 [")
             << heads << "], found " << vector.getType();
  if (int64_t(getChunk()) < 1)
    return emitOpError("scan_c4: expected a positive chunk");
  if (!(getDtMin() <= getDtMax()))
    return emitOpError("scan_c5: expected dt_min <= dt_max");
  return success();
}
