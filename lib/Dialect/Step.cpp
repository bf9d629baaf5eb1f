//===- Step.cpp - what compiled code takes from the step, and its parallelism
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace braid;

LogicalResult ArenaViewOp::verify() {
  int64_t dynamic = cast<MemRefType>(getType()).getNumDynamicDims();
  if (dynamic != int64_t(getSizes().size()))
    return emitOpError("arena_c1: expected ")
           << dynamic << " sizes for " << getType() << ", found "
           << getSizes().size();
  if (int64_t(getFixed()) < 0 || int64_t(getPerRow()) < 0)
    return emitOpError("arena_c2: expected offsets that are not negative");
  return success();
}

bool TensorMapOp::fits(MemRefType type) {
  if (type.getRank() != 2 || !type.getElementType().isBF16())
    return false;
  constexpr int64_t kElements = 8; // 16 bytes.
  auto [strides, offset] = type.getStridesAndOffset();
  auto even = [](int64_t n) {
    return !ShapedType::isDynamic(n) && n % kElements == 0;
  };
  return even(strides[0]) && strides[1] == 1 && even(offset);
}

LogicalResult TensorMapOp::verify() {
  MemRefType type = getSource().getType();
  if (!fits(type))
    return emitOpError("map_c1: expected rows of bf16 at known multiples of 16 "
                       "bytes, found ")
           << type;
  constexpr int64_t kMost = 256;
  if (int64_t(getRows()) < 1 || int64_t(getRows()) > kMost)
    return emitOpError("map_c2: expected 1 to 256 rows, found ")
           << int64_t(getRows());
  return success();
}

LogicalResult WeightViewOp::verify() {
  if (!cast<MemRefType>(getType()).hasStaticShape() || int64_t(getBase()) < 0)
    return emitOpError("view_c1: expected a static type and a base that is not "
                       "negative, found ")
           << getType() << " at " << int64_t(getBase());
  return success();
}

LogicalResult StepViewOp::verify() {
  auto field = symbolizeStepArgument(getField());
  if (!field || field == StepArgument::Batch)
    return emitOpError("step_c1: unknown field '") << getField() << "'";
  bool isPool = field == StepArgument::Pool;
  if (isPool != getPool().has_value() || int64_t(getPool().value_or(0)) < 0)
    return emitOpError("step_c2: expected a number for a pool, and for nothing "
                       "else");
  return success();
}

/// What a slice is told: its bounds and the thread's scratch memory.
static SmallVector<Type> sliceTypes(MLIRContext *context) {
  Builder b(context);
  return {b.getIndexType(), b.getIndexType(),
          MemRefType::get({ShapedType::kDynamic}, b.getI8Type())};
}

LogicalResult ParallelOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != sliceTypes(getContext()) ||
      body.getTerminator()->getNumOperands() != 0)
    return emitOpError("parallel_c1: expected a region of (")
           << sliceTypes(getContext()) << ") that yields nothing";
  if (int64_t(getGrain()) < 1 || int64_t(getScratch()) < 0)
    return emitOpError("parallel_c2: expected a positive grain, and a scratch "
                       "that is not negative");
  return success();
}

void ParallelOp::getAsmBlockArgumentNames(Region &region,
                                          OpAsmSetValueNameFn setName) {
  constexpr StringLiteral names[] = {"lo", "hi", "scratch"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto body =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getBodyAttr());
  SmallVector<Type> expected(getCaptures().getTypes());
  llvm::append_range(expected, sliceTypes(getContext()));
  if (!body || body.getArgumentTypes() != ArrayRef<Type>(expected))
    return emitOpError("dispatch_c1: expected @")
           << getBody() << " to be a function of (" << expected << ")";
  return success();
}
