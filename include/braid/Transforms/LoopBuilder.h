//===- LoopBuilder.h - writing loops and vectors in C++
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_LOOPBUILDER_H
#define BRAID_TRANSFORMS_LOOPBUILDER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace braid {

/// A builder for kernels: arithmetic that picks its op by the operands' type,
/// structured loops with lambdas as bodies, and vector access to memrefs.
/// Scalars are index, i32 or f32; vectors are of rank 1.
class LoopBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using Indices = llvm::ArrayRef<mlir::Value>;
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Constants.
  Value index(int64_t value);
  Value i32(int64_t value);
  Value f32(double value);
  /// A vector of `lanes` equal f32; lanes 1 gives vector<1xf32>.
  Value splat(double value, int64_t lanes);
  Value splat(Value scalar, int64_t lanes);

  // Arithmetic on index, integers, floats and vectors of them.
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  /// Floats: quotient. Index: floor of non-negative operands.
  Value div(Value a, Value b);
  Value rem(Value a, Value b);
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value fma(Value a, Value b, Value c);
  Value neg(Value a);
  Value exp(Value a);
  Value lt(Value a, Value b);
  Value le(Value a, Value b);
  Value eq(Value a, Value b);
  Value both(Value a, Value b);
  Value select(Value condition, Value yes, Value no);
  /// Sum, or maximum, of a vector's lanes, in a fixed order.
  Value sumLanes(Value vector);
  Value maxLanes(Value vector);
  /// log(1 + exp(v)), v itself above 20; f32.
  Value softplus(Value v);
  /// v / (1 + exp(-v)).
  Value silu(Value v);

  // Conversions: to f32 and from f32, scalar or vector; identity where equal.
  Value widen(Value v);
  Value narrow(Value v, mlir::Type element);
  /// The even and the odd lanes of a vector of bf16, as f32: each pair is the
  /// two halves of 32 bits.
  std::pair<Value, Value> splitPairs(Value pairs);
  Value toIndex(Value integer);
  Value toI32(Value index);

  // Structure.
  void loop(Value lo, Value hi, Value step,
            llvm::function_ref<void(Value)> body);
  void loop(Value lo, Value hi, llvm::function_ref<void(Value)> body);
  Values loop(Value lo, Value hi, Value step, mlir::ValueRange init,
              llvm::function_ref<Values(Value, mlir::ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> then);
  void when(Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise);
  Values choose(Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  /// Calls `body(i, lanes)` for consecutive pieces of [0, width): a loop over
  /// whole vectors of `lanes`, then the rest in powers of two. No mask is
  /// needed, since widths are static.
  void pieces(int64_t width, int64_t lanes,
              llvm::function_ref<void(Value, int64_t)> body);

  // Memory.
  Value dim(Value memref, int64_t i);
  Value load(Value memref, Indices indices);
  void store(Value value, Value memref, Indices indices);
  /// `lanes` consecutive elements of the last dimension, widened to f32.
  Value loadVector(Value memref, Indices indices, int64_t lanes);
  /// The same, as stored.
  Value loadRaw(Value memref, Indices indices, int64_t lanes);
  /// Rounds to the memref's element type.
  void storeVector(Value vector, Value memref, Indices indices);
};

/// Lanes of a vector value, 1 for a scalar.
int64_t lanesOf(mlir::Value value);

} // namespace braid

#endif // BRAID_TRANSFORMS_LOOPBUILDER_H
