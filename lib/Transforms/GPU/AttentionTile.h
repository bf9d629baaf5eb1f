//===- AttentionTile.h - a tile of queries against a range of keys (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_ATTENTIONTILE_H
#define BRAID_LIB_TRANSFORMS_GPU_ATTENTIONTILE_H

#include "GPUEmitter.h"
#include <memory>

namespace braid {

/// The part of a step that a block works on. The queries of a sequence that
/// share a key head are numbered row by row: query f is head f % shared of row
/// f / shared, so that a tile of consecutive queries reads each key once.
struct TilePlace {
  mlir::Value slot, head;     ///< Where the keys are.
  mlir::Value start, firstRow; ///< Position and row of the sequence's first row.
  mlir::Value query, queries; ///< The tile's first query; those of the sequence.
};

/// What a thread holds of a query's result: sums of exp(score - largest) V in
/// some consecutive columns, and the sum of exp(score - largest).
struct TileResult {
  mlir::Value query, column, sums, largest, total;
};

/// What one block computes: softmax(scale Q K^T) V over a range of keys, block
/// by block with a running maximum (flash attention). Sums are f32.
class AttentionTile {
public:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  /// A tile for at least that many queries, up to 64; as the schedule says.
  static std::unique_ptr<AttentionTile> create(GPUEmitter &b, AttentionOp op,
                                               int64_t queries);
  /// Why there is no tile for an op and its schedule; empty if there is.
  static llvm::StringRef whyNot(AttentionOp op, GPUScheduleAttr schedule);
  virtual ~AttentionTile() = default;

  int64_t size() const { return queries; }
  const SharedMemory &memory() const { return buffers; }

  // Inside the launch, in this order.
  void begin(const TilePlace &newPlace) { place = newPlace; }
  /// Writes rows `from <= r < to` of the sequence to the pools.
  void append(Value from, Value to);
  /// Keys `lo <= k < hi` of the sequence, at least one of which each query may
  /// see. Those of this step are read from k and v, never from the pools.
  virtual void attend(Value lo, Value hi) = 0;
  /// Hands out what the thread has, of queries and columns that exist; with
  /// `divide` the sums are divided by the total.
  virtual void
  finish(bool divide, llvm::function_ref<void(const TileResult &)> write) = 0;

protected:
  AttentionTile(GPUEmitter &b, AttentionOp op, int64_t queries);

  /// Keys of a block. Blocks lie at multiples of it from position 0 on, so sums
  /// do not depend on how rows are cut into steps.
  static constexpr int64_t kKeys = 64;
  /// Below every score; not -inf, as differences of two are formed.
  static constexpr double kLowest = -3.4e38;

  /// The last key that query `local` of the tile may see. Queries that do not
  /// exist see what the last one does.
  Value limit(Value local);
  Value exists(Value local) {
    return b.lt(b.add(place.query, local), place.queries);
  }
  /// Row and column of q where query `local` has its column `at`.
  Values queryAt(Value local, Value at);
  /// The same of k and v, and of the pools, for a key.
  Values freshAt(Value key, Value at);
  Values storedAt(Value key, Value at) {
    return {op.getOrdinal(), place.slot, place.head, key, at};
  }

  GPUEmitter &b;
  AttentionOp op;
  const int64_t queries, headDim, shared;
  const int64_t lanes; ///< Elements of a row of any input in one access.
  SharedMemory buffers;
  TilePlace place;
};

/// In f32, on the cores that every computation has.
std::unique_ptr<AttentionTile> makeSimtTile(GPUEmitter &b, AttentionOp op,
                                            int64_t queries);
/// bf16 products on tensor cores.
std::unique_ptr<AttentionTile> makeMmaTile(GPUEmitter &b, AttentionOp op,
                                           int64_t queries);

/// Query heads that share a key head.
int64_t sharedHeads(AttentionOp op);
int64_t headDimOf(AttentionOp op);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_ATTENTIONTILE_H
