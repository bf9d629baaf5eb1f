//===- VerifyShapes.h - helpers of the ops' verifiers (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_DIALECT_VERIFYSHAPES_H
#define BRAID_LIB_DIALECT_VERIFYSHAPES_H

#include "braid/Dialect/Braid.h"

namespace braid::detail {

/// A dimension that is not looked at.
inline constexpr int64_t kAny = -2;

/// True if `value` has the rank of `shape` and no static dimension contradicts.
bool fits(mlir::Value value, llvm::ArrayRef<int64_t> shape);

/// (dps_c1), (dps_c2): operands are all tensors or all memrefs; results repeat
/// the inits on tensors, and are absent on memrefs.
mlir::LogicalResult verifyInits(mlir::DestinationStyleOpInterface op);

/// Refuses, under `label`, a value that lacks one of `dims` or has it dynamic
/// or empty. Arithmetic on sizes comes after this.
mlir::LogicalResult requireStatic(mlir::Operation *op, llvm::StringRef label,
                                  mlir::Value value,
                                  llvm::ArrayRef<unsigned> dims);

inline mlir::Type elementType(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getElementType();
}
/// A small weight is f32 where kernels read it, and as stored before.
inline bool isSmallWeight(mlir::Value value) {
  auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
  return elementType(value).isF32() || (tensor && tensor.getEncoding());
}
inline int64_t dim(mlir::Value value, unsigned i) {
  auto type = mlir::cast<mlir::ShapedType>(value.getType());
  return i < type.getRank() ? type.getDimSize(i) : kAny;
}

} // namespace braid::detail

#endif // BRAID_LIB_DIALECT_VERIFYSHAPES_H
