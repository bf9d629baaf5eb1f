//===- Lanewise.h - scalar code on vectors
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_LANEWISE_H
#define BRAID_TRANSFORMS_LANEWISE_H

#include "braid/Transforms/LoopBuilder.h"

namespace braid {

/// Emits the scalar ops of a region's block on vectors of `lanes`: `arguments`
/// (null where the block has no use for one) stand for the block's. Returns
/// what the block yields.
mlir::Value emitLanewise(LoopBuilder &b, mlir::Block &block,
                         mlir::ValueRange arguments, int64_t lanes);

} // namespace braid

#endif // BRAID_TRANSFORMS_LANEWISE_H
