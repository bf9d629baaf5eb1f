//===- Reference.cpp - what the definitions of all ops share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Reference.h"
#include "braid/Transforms/StepFields.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace braid;

int64_t braid::sizeOf(Value memref, int64_t dimension) {
  ArrayRef<int64_t> shape = cast<MemRefType>(memref.getType()).getShape();
  return shape[dimension < 0 ? shape.size() + dimension : dimension];
}

static Type elementOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

void Reference::set(Value value, Value memref, Indices at) {
  store(narrow(value, elementOf(memref)), memref, at);
}

Value Reference::round(Value value, Value memref) {
  return widen(narrow(value, elementOf(memref)));
}

Value Reference::local(int64_t size) {
  OpBuilder::InsertionGuard guard(*this);
  // The function's, or the GPU thread's.
  Operation *scope = getInsertionBlock()->getParentOp();
  while (!scope->hasTrait<OpTrait::AutomaticAllocationScope>())
    scope = scope->getParentOp();
  setInsertionPointToStart(&scope->getRegion(0).front());
  return memref::AllocaOp::create(*this, MemRefType::get({size}, getF32Type()));
}

void Reference::each(Value n, function_ref<void(Value)> body) {
  loop(index(0), n, body);
}
void Reference::each(int64_t n, function_ref<void(Value)> body) {
  each(index(n), body);
}

void Reference::eachSequence(Value batch, function_ref<void(Sequence)> body) {
  StepFields step(*this, batch);
  each(step.sequences(), [&](Value s) {
    Value begin = step.rowBegin(s);
    Value end = step.rowBegin(add(s, index(1)));
    body({begin, sub(end, begin), step.position(s), step.slot(s)});
  });
}

Value Reference::sum(Value n, function_ref<Value(Value)> term) {
  return loop(index(0), n, index(1), ValueRange{f32(0)},
              [&](Value i, ValueRange total) {
                return Values{add(total[0], term(i))};
              })[0];
}
Value Reference::sum(int64_t n, function_ref<Value(Value)> term) {
  return sum(index(n), term);
}

Value Reference::sigmoid(Value v) {
  return div(f32(1), add(f32(1), exp(neg(v))));
}
