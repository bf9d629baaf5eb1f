//===- StepFields.cpp - which rows belong to which sequence, in compiled code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/StepFields.h"
#include "braid-rt/abi.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <cstddef>

using namespace mlir;
using namespace braid;

/// The value of the field that lies `offset` bytes into the step.
Value StepFields::field(size_t offset, Type type) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value base = UnrealizedConversionCastOp::create(b, TypeRange{pointer},
                                                  ValueRange{step})
                   .getResult(0);
  Value address =
      LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                          ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  return LLVM::LoadOp::create(b, type, address);
}

/// Element `index` of the table of i32 that a field points at.
Value StepFields::entry(size_t offset, Value index) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value table = field(offset, pointer);
  Value at = arith::IndexCastOp::create(b, b.getI64Type(), index);
  Value address = LLVM::GEPOp::create(b, pointer, b.getI32Type(), table,
                                      ArrayRef<LLVM::GEPArg>{at});
  return b.toIndex(LLVM::LoadOp::create(b, b.getI32Type(), address));
}

Value StepFields::sequences() {
  return b.toIndex(field(offsetof(braid_step, sequences), b.getI64Type()));
}
Value StepFields::rowBegin(Value sequence) {
  return entry(offsetof(braid_step, row_begin), sequence);
}
Value StepFields::position(Value sequence) {
  return entry(offsetof(braid_step, position), sequence);
}
Value StepFields::slot(Value sequence) {
  return entry(offsetof(braid_step, slot), sequence);
}
