//===- StepFields.cpp - which rows belong to which sequence, in compiled code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/StepFields.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace braid;

Value braid::readStepField(OpBuilder &b, Location loc, Value step,
                           StepField field) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value address =
      LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), step,
                          ArrayRef<LLVM::GEPArg>{field.offset});
  Type type = field.isAddress ? pointer : b.getI64Type();
  return LLVM::LoadOp::create(b, loc, type, address);
}

Value StepFields::read(StepField field) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto base = UnrealizedConversionCastOp::create(b, TypeRange{pointer},
                                                 ValueRange{step});
  return readStepField(b, b.getLoc(), base.getResult(0), field);
}

/// Element `index` of a table of i32.
Value StepFields::entry(StepField table, Value index) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value base = read(table);
  Value at = arith::IndexCastOp::create(b, b.getI64Type(), index);
  Value address = LLVM::GEPOp::create(b, pointer, b.getI32Type(), base,
                                      ArrayRef<LLVM::GEPArg>{at});
  return b.toIndex(LLVM::LoadOp::create(b, b.getI32Type(), address));
}

Value StepFields::sequences() {
  return b.toIndex(read(BRAID_STEP_FIELD(sequences)));
}
Value StepFields::rowBegin(Value sequence) {
  return entry(BRAID_STEP_FIELD(row_begin), sequence);
}
Value StepFields::position(Value sequence) {
  return entry(BRAID_STEP_FIELD(position), sequence);
}
Value StepFields::slot(Value sequence) {
  return entry(BRAID_STEP_FIELD(slot), sequence);
}
