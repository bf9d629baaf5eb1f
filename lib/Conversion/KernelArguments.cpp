//===- KernelArguments.cpp - how a launch passes values to a kernel
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelArguments.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace braid;

namespace {
/// What a buffer's type says, in the order of the parameters. The strides of a
/// contiguous buffer follow from its sizes and are not listed.
struct Extents {
  int64_t offset;
  ArrayRef<int64_t> shape;
  SmallVector<int64_t> strides;

  explicit Extents(MemRefType type) : shape(type.getShape()) {
    std::tie(strides, offset) = type.getStridesAndOffset();
    if (type.getLayout().isIdentity())
      strides.clear();
  }
  int64_t dynamicCount() const {
    return ShapedType::isDynamic(offset) +
           llvm::count_if(shape, ShapedType::isDynamic) +
           llvm::count_if(strides, ShapedType::isDynamic);
  }
};
} // namespace

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                  b.getI64IntegerAttr(value));
}

SmallVector<Type> braid::kernelParameterTypes(Type type) {
  Type pointer = LLVM::LLVMPointerType::get(type.getContext());
  Type i64 = IntegerType::get(type.getContext(), 64);
  if (isa<ContextType, BatchType, TensorMapType>(type))
    return {pointer};
  if (isa<IndexType>(type))
    return {i64};
  auto buffer = dyn_cast<MemRefType>(type);
  if (!buffer)
    return {};
  SmallVector<Type> types(1 + Extents(buffer).dynamicCount(), i64);
  types[0] = pointer;
  return types;
}

SmallVector<Value> braid::packBuffer(OpBuilder &b, Location loc,
                                     MemRefType type, Value descriptor) {
  MemRefDescriptor buffer(descriptor);
  Extents extents(type);
  SmallVector<Value> parameters = {buffer.alignedPtr(b, loc)};
  if (ShapedType::isDynamic(extents.offset))
    parameters.push_back(buffer.offset(b, loc));
  for (auto [i, size] : llvm::enumerate(extents.shape))
    if (ShapedType::isDynamic(size))
      parameters.push_back(buffer.size(b, loc, i));
  for (auto [i, stride] : llvm::enumerate(extents.strides))
    if (ShapedType::isDynamic(stride))
      parameters.push_back(buffer.stride(b, loc, i));
  return parameters;
}

/// Offset + sum of (size - 1) * stride + 1, in bytes; nothing if a size is 0.
Value braid::extentOf(OpBuilder &b, Location loc, MemRefType type,
                      Value descriptor) {
  MemRefDescriptor buffer(descriptor);
  Value one = constant(b, loc, 1), zero = constant(b, loc, 0);
  Value last = buffer.offset(b, loc), empty;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    Value size = buffer.size(b, loc, i);
    Value none = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, size,
                                      zero);
    empty = empty ? LLVM::OrOp::create(b, loc, empty, none).getResult() : none;
    Value steps = LLVM::SubOp::create(b, loc, size, one);
    last = LLVM::AddOp::create(
        b, loc, last,
        LLVM::MulOp::create(b, loc, steps, buffer.stride(b, loc, i)));
  }
  Value elements = LLVM::AddOp::create(b, loc, last, one);
  Value bytes = LLVM::MulOp::create(
      b, loc, elements, constant(b, loc, type.getElementTypeBitWidth() / 8));
  return empty ? LLVM::SelectOp::create(b, loc, empty, zero, bytes).getResult()
               : bytes;
}

Value braid::unpackBuffer(OpBuilder &b, Location loc,
                          const LLVMTypeConverter &converter, MemRefType type,
                          ValueRange parameters) {
  auto buffer =
      MemRefDescriptor::poison(b, loc, converter.convertType(type));
  Extents extents(type);
  buffer.setAllocatedPtr(b, loc, parameters[0]);
  buffer.setAlignedPtr(b, loc, parameters[0]);
  size_t next = 1;
  auto given = [&](int64_t value) {
    return ShapedType::isDynamic(value) ? parameters[next++]
                                        : constant(b, loc, value);
  };
  buffer.setOffset(b, loc, given(extents.offset));
  for (auto [i, size] : llvm::enumerate(extents.shape))
    buffer.setSize(b, loc, i, given(size));
  for (auto [i, stride] : llvm::enumerate(extents.strides))
    buffer.setStride(b, loc, i, given(stride));
  if (!extents.strides.empty())
    return buffer;
  Value product = constant(b, loc, 1);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    buffer.setStride(b, loc, i, product);
    product = LLVM::MulOp::create(b, loc, product, buffer.size(b, loc, i));
  }
  return buffer;
}
