//===- Routing.cpp - mixture of experts: route, experts, and what they become
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

LogicalResult RouteOp::verify() {
  if (failed(verifyInits(*this)))
    return failure();
  if (failed(requireStatic(*this, "route_c1", getLogits(), {1})) ||
      failed(requireStatic(*this, "route_c2", getIdsInit(), {1})))
    return failure();
  int64_t experts = dim(getLogits(), 1), k = dim(getIdsInit(), 1);
  if (!fits(getLogits(), {kAny, experts}) || !fits(getBias(), {experts}) ||
      !elementType(getLogits()).isF32() || !isSmallWeight(getBias()))
    return emitOpError("route_c1: expected f32 logits [T, E] and bias [E], "
                       "found ")
           << getLogits().getType() << " and " << getBias().getType();
  if (!fits(getIdsInit(), {kAny, k}) || !fits(getWeightsInit(), {kAny, k}) ||
      !elementType(getIdsInit()).isInteger(32) ||
      !elementType(getWeightsInit()).isF32() || k < 1 || k > experts)
    return emitOpError("route_c2: expected i32 ids and f32 weights [T, k] with "
                       "k <= ")
           << experts << ", found " << getIdsInit().getType() << " and "
           << getWeightsInit().getType();
  int64_t groups = getGroups(), chosen = getGroupK();
  if (groups < 1 || experts % groups != 0 || chosen < 1 || chosen > groups)
    return emitOpError("route_c3: expected groups that divide ")
           << experts << " experts and group_k <= groups, found " << groups
           << " and " << chosen;
  if (experts / groups * chosen < k)
    return emitOpError("route_c4: ")
           << chosen << " groups of " << experts / groups
           << " experts hold fewer than " << k;
  return success();
}

/// Groups that all take part choose nothing.
LogicalResult RouteOp::canonicalize(RouteOp op, PatternRewriter &rewriter) {
  if (op.getGroups() == 1 || op.getGroups() != op.getGroupK())
    return rewriter.notifyMatchFailure(op, "some groups may not take part");
  rewriter.modifyOpInPlace(op, [&] {
    op.setGroups(1);
    op.setGroupK(1);
  });
  return success();
}

LogicalResult ExpertsOp::verify() {
  if (failed(verifyInits(*this)) ||
      failed(requireStatic(*this, "experts_c1", getUp(), {0, 1, 2})) ||
      failed(requireStatic(*this, "experts_c3", getIds(), {1})))
    return failure();
  int64_t experts = dim(getUp(), 0), inner = dim(getUp(), 1),
          width = dim(getUp(), 2), k = dim(getIds(), 1);
  if (!fits(getUp(), {experts, inner, width}) ||
      !fits(getDown(), {experts, width, inner}))
    return emitOpError("experts_c1: expected up [E, I, X] and down [E, X, I], "
                       "found ")
           << getUp().getType() << " and " << getDown().getType();
  if (!fits(getX(), {kAny, width}) || !fits(getInit(), {kAny, width}))
    return emitOpError("experts_c2: expected x and y [T, ")
           << width << "], found " << getX().getType() << " and "
           << getInit().getType();
  if (!fits(getIds(), {kAny, k}) || !fits(getWeights(), {kAny, k}) ||
      !elementType(getIds()).isInteger(32) ||
      !elementType(getWeights()).isF32())
    return emitOpError("experts_c3: expected i32 ids and f32 weights [T, k], "
                       "found ")
           << getIds().getType() << " and " << getWeights().getType();
  return success();
}

LogicalResult GroupRowsOp::verify() {
  if (failed(verifyInits(*this)) ||
      failed(requireStatic(*this, "group_c1", getIds(), {1})) ||
      failed(requireStatic(*this, "group_c1", getBegin(), {0})))
    return failure();
  int64_t entries = dim(getBegin(), 0);
  if (!fits(getIds(), {kAny, kAny}) ||
      !fits(getOrder(), {kAny, dim(getIds(), 1)}) ||
      !fits(getBegin(), {entries}) || !fits(getActive(), {entries}))
    return emitOpError("group_c1: expected order shaped like ids, begin and "
                       "active [E + 1]");
  for (Value value : {getIds(), getOrder(), getBegin(), getActive()})
    if (!elementType(value).isInteger(32))
      return emitOpError("group_c1: expected i32, found ") << value.getType();
  return success();
}

LogicalResult CombineExpertsOp::verify() {
  if (failed(verifyInits(*this)) ||
      failed(requireStatic(*this, "combine_c1", getParts(), {1, 2})))
    return failure();
  int64_t k = dim(getParts(), 1), width = dim(getParts(), 2);
  if (!fits(getParts(), {kAny, k, width}) || !fits(getWeights(), {kAny, k}) ||
      !fits(getInit(), {kAny, width}) || !elementType(getWeights()).isF32())
    return emitOpError("combine_c1: expected parts [T, k, X], f32 weights [T, "
                       "k], y [T, X]");
  return success();
}
