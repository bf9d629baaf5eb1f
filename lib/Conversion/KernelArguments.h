//===- KernelArguments.h - how a launch passes values to a kernel (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A parameter of a kernel is 8 bytes wide. A buffer is its address, then
// its offset, sizes and strides as far as its type does not say them; the
// context and the batch are the address of the device's step; an index is
// itself; a tensor map is 128 bytes, of which host code has the address. Host and device code read the same rule from here.
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_CONVERSION_KERNELARGUMENTS_H
#define BRAID_LIB_CONVERSION_KERNELARGUMENTS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/Builders.h"

namespace braid {

/// The types of the parameters for a value; none: it cannot be passed.
llvm::SmallVector<mlir::Type> kernelParameterTypes(mlir::Type type);

/// The parameters for a buffer, from its lowered descriptor.
llvm::SmallVector<mlir::Value> packBuffer(mlir::OpBuilder &b,
                                          mlir::Location loc,
                                          mlir::MemRefType type,
                                          mlir::Value descriptor);
/// The bytes behind the buffer's address that the kernel may touch.
mlir::Value extentOf(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::MemRefType type, mlir::Value descriptor);

/// The inverse of packBuffer: the descriptor, in the device's types.
mlir::Value unpackBuffer(mlir::OpBuilder &b, mlir::Location loc,
                         const mlir::LLVMTypeConverter &converter,
                         mlir::MemRefType type, mlir::ValueRange parameters);

} // namespace braid

#endif // BRAID_LIB_CONVERSION_KERNELARGUMENTS_H
