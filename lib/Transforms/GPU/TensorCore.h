//===- TensorCore.h - copies, fragments and products of a warp (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The baseline that every target from sm_80 on has: cp.async, ldmatrix and
// mma.sync m16n8k16 of bf16 into f32. A fragment is what one lane of a warp
// holds of a small matrix, in registers of two bf16 (i32) or of one f32. With
// g = lane / 4 and q = lane % 4, lanes hold of
//   A [16 x 16]  (g, 2q..), (g + 8, 2q..), (g, 2q + 8..), (g + 8, 2q + 8..)
//   B [16 x 8]   rows 2q.. and 2q + 8.. of column g
//   C [16 x 8]   (g, 2q), (g, 2q + 1), (g + 8, 2q), (g + 8, 2q + 1)
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_TENSORCORE_H
#define BRAID_LIB_TRANSFORMS_GPU_TENSORCORE_H

#include "GPUEmitter.h"

namespace braid {

/// A place in a buffer.
struct Place {
  mlir::Value buffer;
  LoopBuilder::Indices at;
};

/// Begins to copy `lanes` elements (4, 8 or 16 bytes) to shared memory; zeros
/// if not `wanted`, null for always. REQUIRES that the source exists in any case.
void copyAsync(GPUEmitter &b, Place from, Place to, int64_t lanes,
               mlir::Value wanted);
/// Makes a group of the thread's copies since the last one.
void commitCopies(GPUEmitter &b);
/// Waits for all but the latest `groups` groups of the thread.
void waitCopies(GPUEmitter &b, int64_t groups);

/// Four matrices of 8 x 8 bf16 from shared memory, one register each; lane
/// 8 m + r says where row r of matrix m lies. A lane gets elements 2q and
/// 2q + 1 of row g, or if `transposed` of column g.
LoopBuilder::Values loadMatrices(GPUEmitter &b, Place rowOfLane,
                                 bool transposed);
/// C + A B.
LoopBuilder::Values multiply(GPUEmitter &b, mlir::ValueRange a,
                             mlir::ValueRange bMatrix, mlir::ValueRange c);
/// Two f32, rounded, in one register.
mlir::Value packPair(GPUEmitter &b, mlir::Value low, mlir::Value high);
/// A vector of these scalars.
mlir::Value vectorOf(GPUEmitter &b, mlir::ValueRange elements);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_TENSORCORE_H
