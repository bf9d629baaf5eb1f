//===- SmallFloats.h - floats of a byte or less, in compiled code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_SMALLFLOATS_H
#define BRAID_TRANSFORMS_SMALLFLOATS_H

#include "braid/Transforms/LoopBuilder.h"

namespace braid {

/// Sign, exponent and mantissa; no infinities, and NaN (0x7f of e4m3) is not
/// expected: the runtime refuses checkpoints with any.
struct SmallFloat {
  int64_t exponentBits, mantissaBits;
  int64_t bits() const { return 1 + exponentBits + mantissaBits; }
  int64_t bias() const { return (int64_t(1) << (exponentBits - 1)) - 1; }
};
inline constexpr SmallFloat kE4M3{4, 3}, kE2M1{2, 1};

/// The number at bit `shift` of each i32, as f32: exactly, and in integer
/// operations that every machine has. `words` is a vector or a scalar.
/// `subnormals` says that multiplying them takes no longer than other numbers,
/// which is so on GPUs and saves a few instructions.
mlir::Value decode(LoopBuilder &b, SmallFloat format, mlir::Value words,
                   int64_t shift, bool subnormals = false);

/// An i32 that `shape` is like: a scalar, or a vector of as many lanes.
mlir::Value bitsLike(LoopBuilder &b, uint32_t bits, mlir::Value shape);

/// Finite f32 whose upper half is `value` rounded to bf16, to nearest even; as
/// bits, the lower half of which is not zero.
mlir::Value roundToUpperHalf(LoopBuilder &b, mlir::Value value);

} // namespace braid

#endif // BRAID_TRANSFORMS_SMALLFLOATS_H
