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

/// The number at bit `shift` of each i32, as f32: exactly, and in operations
/// that every machine has. `words` is a vector or a scalar.
mlir::Value decode(LoopBuilder &b, SmallFloat format, mlir::Value words,
                   int64_t shift);

/// The same without subnormal f32 on the way, which some CPUs multiply very
/// slowly: for formats in which many numbers are subnormal.
mlir::Value decodeNormal(LoopBuilder &b, SmallFloat format, mlir::Value words,
                         int64_t shift);

/// An i32 for each lane of `shape`, which may be a scalar.
mlir::Value bitsLike(LoopBuilder &b, uint32_t bits, mlir::Value shape);

} // namespace braid

#endif // BRAID_TRANSFORMS_SMALLFLOATS_H
