//===- Emitters.h - one emitter per compute op (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_CPU_EMITTERS_H
#define BRAID_LIB_TRANSFORMS_CPU_EMITTERS_H

#include "braid/Dialect/Braid.h"
#include "braid/Transforms/LoopBuilder.h"

namespace braid {

/// A piece of a row: lanes starting at a static column.
struct Piece {
  int64_t offset, lanes;
};
/// [0, width) in pieces of `lanes`, the rest in powers of two.
llvm::SmallVector<Piece> piecesOf(int64_t width, int64_t lanes);

/// Typed buffers inside a thread's scratch memory, laid out one after another.
class Scratch {
public:
  /// Reserves a buffer; returns its number. All before the region is built.
  size_t reserve(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  int64_t bytes() const { return size; }
  /// The buffer of that number inside `memory` (memref<?xi8>).
  mlir::Value get(LoopBuilder &b, mlir::Value memory, size_t number) const;

private:
  llvm::SmallVector<std::pair<mlir::MemRefType, int64_t>> buffers;
  int64_t size = 0;
};

/// Emits one kernel: the builder stands where the op was.
class Emitter : public LoopBuilder {
public:
  Emitter(mlir::Operation *op, mlir::Value context, ScheduleAttr schedule)
      : LoopBuilder(op->getLoc(), op), context(context), schedule(schedule),
        lanes(schedule.getLanes()) {}

  void emit(PackedContractOp op);
  void emit(GatherRowsOp op);
  void emit(RmsNormOp op);
  void emit(SampleOp op);
  void emit(TapOp op);
  void emit(CausalConvOp op);
  void emit(SsdScanOp op);
  void emit(AttentionOp op);
  void emit(RouteOp op);
  void emit(GroupRowsOp op);
  void emit(CombineExpertsOp op);

  /// A parallel region over [0, n); `body` gets the bounds of a slice and the
  /// thread's scratch.
  void parallel(Value n, int64_t grain, int64_t scratchBytes,
                llvm::function_ref<void(Value, Value, Value)> body);
  /// The same, item by item.
  void parallelItems(Value n, int64_t grain, int64_t scratchBytes,
                     llvm::function_ref<void(Value, Value)> body);

  /// Fields of the step (StepFields.h).
  Value sequences();
  Value rowBegin(Value sequence);
  Value position(Value sequence);
  Value slot(Value sequence);

  /// sum += A B for a tile: `rows` rows of A against `pieces` of B's row.
  /// a(r, k) gives a scalar, b(k, piece) a vector; k runs over [lo, hi).
  /// Accumulators are row-major, [rows][pieces].
  Values accumulate(int64_t rows, llvm::ArrayRef<Piece> pieces, Value lo,
                    Value hi, mlir::ValueRange init,
                    llvm::function_ref<Value(int64_t, Value)> a,
                    llvm::function_ref<Value(Value, Piece)> b);
  Values zeros(int64_t rows, llvm::ArrayRef<Piece> pieces);
  /// Calls `tile(first, size)` for consecutive tiles that cover [lo, hi): as
  /// many of `size` as fit, then of half the size, down to single rows.
  void tiles(Value lo, Value hi, int64_t size,
             llvm::function_ref<void(Value, int64_t)> tile);

  Value context;
  ScheduleAttr schedule;
  int64_t lanes;
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_CPU_EMITTERS_H
