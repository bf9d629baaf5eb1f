//===- Dialect.cpp - registration, and what all ops share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace braid;

#include "braid/Dialect/BraidDialect.cpp.inc"
#include "braid/Dialect/BraidEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "braid/Dialect/BraidTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "braid/Dialect/BraidAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "braid/Dialect/BraidOps.cpp.inc"

void BraidDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "braid/Dialect/BraidTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "braid/Dialect/BraidAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "braid/Dialect/BraidOps.cpp.inc"
      >();
}

LogicalResult
PoolAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef name,
                 RankedTensorType type) {
  if (name.empty())
    return emitError() << "a pool needs a name";
  if (type.getRank() < 3 || type.isDynamicDim(0) || !type.isDynamicDim(1))
    return emitError() << "pool '" << name
                       << "': expected layers x ? (slots) x ..., found "
                       << type;
  return success();
}

void braid::detail::getComputeEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

bool braid::detail::fits(Value value, ArrayRef<int64_t> shape) {
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() != int64_t(shape.size()))
    return false;
  for (auto [have, want] : llvm::zip(type.getShape(), shape))
    if (want != kAny && !ShapedType::isDynamic(have) && have != want)
      return false;
  return true;
}

LogicalResult braid::detail::verifyInits(DestinationStyleOpInterface op) {
  bool tensors = op.hasPureTensorSemantics();
  for (OpOperand &init : op.getDpsInitsMutable())
    if (isa<TensorType>(init.get().getType()) != tensors)
      return op.emitOpError("expected all operands to be tensors or all memrefs");
  auto inits = op.getDpsInits();
  if (op->getNumResults() != (tensors ? inits.size() : 0))
    return op.emitOpError("expected ")
           << (tensors ? inits.size() : 0) << " results, found "
           << op->getNumResults();
  for (auto [result, init] : llvm::zip(op->getResults(), inits))
    if (result.getType() != init.getType())
      return op.emitOpError("expected result type ")
             << init.getType() << ", found " << result.getType();
  return success();
}
