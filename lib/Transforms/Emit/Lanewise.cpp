//===- Lanewise.cpp - scalar code on vectors
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Lanewise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace braid;

Value braid::emitLanewise(LoopBuilder &b, Block &block, ValueRange arguments,
                          int64_t lanes) {
  IRMapping map;
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
    if (value)
      map.map(argument, value);
  auto vectorOf = [&](Value value) -> Value {
    if (Value known = map.lookupOrNull(value))
      return known;
    return b.splat(value, lanes); // A constant from outside.
  };
  for (Operation &scalar : block.without_terminator()) {
    if (isa<arith::ConstantOp>(scalar)) {
      map.map(scalar.getResult(0),
              b.splat(b.clone(scalar)->getResult(0), lanes));
      continue;
    }
    OperationState state(scalar.getLoc(), scalar.getName());
    for (Value operand : scalar.getOperands())
      state.operands.push_back(vectorOf(operand));
    state.addTypes(VectorType::get({lanes}, scalar.getResult(0).getType()));
    state.addAttributes(scalar.getAttrs());
    map.map(scalar.getResult(0), b.create(state)->getResult(0));
  }
  return vectorOf(block.getTerminator()->getOperand(0));
}
