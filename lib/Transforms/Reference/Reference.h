//===- Reference.h - what each compute op means, as loops over scalars (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The executable definition that fast lowerings are compared with. Each op is
// written from its description in BraidOps.td, one row, one head, one element
// at a time, and shares no algorithm with the emitters: no tiles, vectors or
// threads, no memory beyond a few local arrays. Sums are f32, ascending.
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_REFERENCE_REFERENCE_H
#define BRAID_LIB_TRANSFORMS_REFERENCE_REFERENCE_H

#include "braid/Dialect/PackedLayout.h"
#include "braid/Transforms/LoopBuilder.h"

namespace braid {

/// Lowers one op on memrefs; the builder stands where the op is.
class Reference : public LoopBuilder {
public:
  explicit Reference(mlir::Operation *op) : LoopBuilder(op->getLoc(), op) {}

  void lower(GatherRowsOp op);
  void lower(RmsNormOp op);
  void lower(SampleOp op);
  void lower(TapOp op);
  void lower(CausalConvOp op);
  void lower(SsdScanOp op);
  void lower(AttentionOp op);
  void lower(RouteOp op);
  void lower(ExpertsOp op);
  void lower(GroupRowsOp op);
  void lower(CombineExpertsOp op);
  void lower(PackedContractOp op);

private:
  /// Rows [begin, begin + rows) of the step, the first at `position`.
  struct Sequence {
    Value begin, rows, position, slot;
  };

  /// An element as f32, whatever the buffer holds.
  Value get(Value memref, Indices at) { return widen(load(memref, at)); }
  /// Rounds an f32 to the buffer's element type.
  void set(Value value, Value memref, Indices at);
  /// r(v): the f32 nearest to what `memref` would hold.
  Value round(Value value, Value memref);
  /// An f32 array of the function; what it holds is undefined.
  Value local(int64_t size);

  /// 0 <= i < n.
  void each(Value n, llvm::function_ref<void(Value)> body);
  void each(int64_t n, llvm::function_ref<void(Value)> body);
  void eachSequence(Value batch, llvm::function_ref<void(Sequence)> body);
  Value sum(Value n, llvm::function_ref<Value(Value)> term);
  Value sum(int64_t n, llvm::function_ref<Value(Value)> term);
  /// How many of values[first, first + n) come before element i: larger ones,
  /// and equal ones at a lower index.
  Value rank(Value values, Value i, Value first, int64_t n);

  Value sigmoid(Value v);
  /// sum_i x[row, i] w[column, i], with w packed and `prefix` its expert.
  Value product(PackedContractOp op, Indices row, Indices prefix, Value column);
  /// Of a panel of coded weights: input k of an output, and the output's scale.
  Value decoded(const PackedLayout &layout, Value weight, Indices panel,
                Value output, Value k);
  Value scaleOf(Value weight, Indices panel, Value output);
  Value codeOf(Value weight, Indices panel, Value row, Value output,
               Value shift);
  Value byteOf(Value weight, Indices at);
  Value epilogue(PackedContractOp op, Value sum, Value row, Value column,
                 Indices y);
  void lowerGrouped(PackedContractOp op);
};

/// Static size of a memref's dimension; negative ones count from the end.
int64_t sizeOf(mlir::Value memref, int64_t dimension);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_REFERENCE_REFERENCE_H
