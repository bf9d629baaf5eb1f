//===- Weights.cpp - params, weight, param
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"

using namespace mlir;
using namespace braid;
using namespace braid::detail;

LogicalResult ParamsOp::verify() {
  if (getLayers().empty())
    return emitOpError("params_c1: expected at least one layer");
  return success();
}

LogicalResult WeightOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!isa_and_nonnull<StorageAttr>(type.getEncoding()))
    return emitOpError("weight_c1: expected a #braid.storage encoding, found ")
           << type;
  bool perExpert = type.getRank() == 3 && !getStacked();
  if (getSource().contains("{E}") != perExpert)
    return emitOpError("weight_c2: a source ")
           << (perExpert ? "of a stack needs" : "without a stack has no")
           << " '{E}', found '" << getSource() << "'";
  return success();
}

WeightOp ParamOp::getDeclaration() {
  return SymbolTable::lookupNearestSymbolFrom<WeightOp>(*this, getWeight());
}
