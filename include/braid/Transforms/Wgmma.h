//===- Wgmma.h - the matrix instruction of a warpgroup --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma.mma_async m64nNk16 of bf16 into f32, with A in registers and rows of K
// as B in shared memory. MLIR's op takes A from shared memory only, so that this
// form is assembly, which the simulator has to know by its text.
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_WGMMA_H
#define BRAID_TRANSFORMS_WGMMA_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace braid {

/// A times B plus the sums (N / 2 of f32): a structure of as many. `a` are four
/// words, `descriptor` says where B lies.
mlir::LLVM::InlineAsmOp createWgmma(mlir::OpBuilder &b, mlir::Location loc,
                                    mlir::ValueRange a, mlir::Value descriptor,
                                    mlir::ValueRange sums);

/// N, if the op is what `createWgmma` makes.
std::optional<int64_t> columnsOfWgmma(mlir::LLVM::InlineAsmOp op);

} // namespace braid

#endif // BRAID_TRANSFORMS_WGMMA_H
