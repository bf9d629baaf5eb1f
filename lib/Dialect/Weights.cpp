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

static bool isWholeModel(ParamsOp op) {
  return op.getLayers() == ArrayRef<int64_t>{-1};
}

LogicalResult ParamsOp::verify() {
  ArrayRef<int64_t> layers = getLayers();
  bool ascending = llvm::is_sorted(layers, std::less_equal<>());
  if (layers.empty() ||
      (!isWholeModel(*this) && (layers.front() < 0 || !ascending)))
    return emitOpError("params_c1: expected ascending layers, or [-1], found [")
           << layers << "]";
  return success();
}

LogicalResult ParamsOp::verifyRegions() {
  for (Operation &op : getBody().front()) {
    auto weight = dyn_cast<WeightOp>(op);
    if (!weight)
      return op.emitOpError("params_c2: expected 'braid.weight' alone in "
                            "'braid.params'");
    if (weight.getSource().contains("{L}") == isWholeModel(*this))
      return weight.emitOpError("params_c3: a source of ")
             << (isWholeModel(*this) ? "the whole model has no"
                                     : "a layer's weight needs")
             << " '{L}', found '" << weight.getSource() << "'";
  }
  return success();
}

/// Scales of a storage in several tensors lie along its rows and blocks: its
/// transpose is none of what a checkpoint holds.
static LogicalResult verifyTransform(WeightOp op, RankedTensorType type,
                                     StorageKind storage) {
  StringRef transform = op.getTransform().value_or("neg_exp");
  bool scaled = storage == StorageKind::FP8 || storage == StorageKind::NVFP4;
  if (transform == "neg_exp" ||
      (transform == "transpose" && type.getRank() == 2 && !scaled))
    return success();
  return op.emitOpError("weight_c3: expected neg_exp, or transpose of a matrix "
                        "in one tensor, found '")
         << transform << "' of " << type;
}

LogicalResult WeightOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  auto storage = dyn_cast_or_null<StorageAttr>(type.getEncoding());
  if (!storage || !type.hasStaticShape())
    return emitOpError("weight_c1: expected a static type with a "
                       "#braid.storage encoding, found ")
           << type;
  bool perExpert = type.getRank() == 3 && !getStacked();
  if (getSource().contains("{E}") != perExpert)
    return emitOpError("weight_c2: a source ")
           << (perExpert ? "of a stack needs" : "without a stack has no")
           << " '{E}', found '" << getSource() << "'";
  return verifyTransform(*this, type, storage.getKind());
}

LogicalResult ParamOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeight());
  if (!weight)
    return emitOpError("param_c1: ") << getWeight() << " is not a weight";
  auto found = cast<ShapedType>(getType());
  auto expected =
      cast<ShapedType>(weight.getPacked().value_or(weight.getType()));
  if (isa<RankedTensorType>(found)
          ? Type(found) == Type(expected)
          : found.getShape() == expected.getShape() &&
                found.getElementType() == expected.getElementType())
    return success();
  return emitOpError("param_c2: expected ")
         << expected << ", the type of " << getWeight() << ", found " << found;
}

WeightOp ParamOp::getDeclaration() {
  return SymbolTable::lookupNearestSymbolFrom<WeightOp>(*this, getWeight());
}
