//===- Sampling.h - what kernels of braid.sample share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_SAMPLING_H
#define BRAID_TRANSFORMS_SAMPLING_H

#include "braid/Dialect/Braid.h"
#include "braid/Transforms/LoopBuilder.h"
#include <limits>

namespace braid {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// g(key, id) of braid.sample; `id` is an i32, or a vector of them.
mlir::Value gumbel(LoopBuilder &b, mlir::Value key, mlir::Value id);

/// The best of several ids, none of them compared yet: score and id, scalars or
/// vectors.
struct Choice {
  mlir::Value score, id;

  /// No id is as bad.
  static Choice none(LoopBuilder &b, int64_t lanes);
  /// The better one; of equals the lower id.
  static Choice better(LoopBuilder &b, Choice one, Choice other);
  /// The best of the lanes, as scalars.
  static Choice ofLanes(LoopBuilder &b, Choice choice);
};

/// The ids from `first`, an index, on with their logits, a vector: with the
/// row's noise, if a temperature above 0 asks for it.
Choice scored(LoopBuilder &b, SampleOp op, mlir::Value row, mlir::Value first,
              mlir::Value logits, bool noisy);

/// What is written of the best id: -1 - id unless its score is finite.
mlir::Value reported(LoopBuilder &b, Choice best);

} // namespace braid

#endif // BRAID_TRANSFORMS_SAMPLING_H
