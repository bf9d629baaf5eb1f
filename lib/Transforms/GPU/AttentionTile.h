//===- AttentionTile.h - a tile of queries against a range of keys (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_ATTENTIONTILE_H
#define BRAID_LIB_TRANSFORMS_GPU_ATTENTIONTILE_H

#include "GPUEmitter.h"

namespace braid {

/// The part of a step that a block works on. The queries of a sequence that
/// share a key head are numbered row by row: query f is head f % shared of row
/// f / shared, so that a tile of consecutive queries reads each key once.
struct TilePlace {
  mlir::Value slot, head;      ///< Where the keys are.
  mlir::Value start, firstRow; ///< Position and row of the sequence's first row.
  mlir::Value query, queries;  ///< The tile's first query; those of the sequence.
};

/// What one block computes, in f32: softmax(scale Q K^T) V over a range of keys,
/// with a running maximum (flash attention). Eight threads share a query; each
/// has every eighth key of a block of keys, and every eighth vector of columns.
class AttentionTile {
public:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  /// `queriesPerThread` times an eighth of the threads is the tile's size.
  AttentionTile(GPUEmitter &b, AttentionOp op, int64_t queriesPerThread);

  int64_t size() const { return queriesPerThread * b.threads / kLanes; }
  const SharedMemory &memory() const { return buffers; }

  // Inside the launch, in this order.
  void begin(const TilePlace &place);
  /// Writes rows `from <= r < to` of the sequence to the pools.
  void append(Value from, Value to);
  /// Keys `lo <= k < hi` of the sequence, at least one of which each query may
  /// see. Those of this step are read from k and v, never from the pools.
  void attend(Value lo, Value hi);

  // The result: of query i of the thread,
  /// its number, and whether there is one.
  Value number(int64_t i) { return b.add(place.query, local(i)); }
  Value exists(int64_t i) { return b.lt(number(i), place.queries); }
  /// the largest score, and the sum of exp(score - largest) (all threads that
  /// share the query have to come by),
  Value largest(int64_t i) { return maxima[i]; }
  Value total(int64_t i);
  /// and the sum of exp(score - largest) V of each vector of columns.
  void columns(int64_t i, llvm::function_ref<void(Value, Value)> body);

  const int64_t queriesPerThread;

private:
  static constexpr int64_t kLanes = 8;   ///< Threads that share a query.
  static constexpr int64_t kKeys = 64;   ///< Keys of a block.
  static constexpr int64_t kVector = 4;  ///< f32 of one access.

  Value local(int64_t i);
  Value keyOf(int64_t j);
  Value column(int64_t c);
  Value limit(int64_t i);
  void fill(Value buffer, int64_t rows, int64_t lanes,
            llvm::function_ref<Value(Value)> inside,
            llvm::function_ref<Value(Value, Value)> read);
  void fillQueries();
  void fillKeys(Value pool, Value fresh, Value first);
  Values block(Value first, mlir::ValueRange running);
  Values scores();
  Value softmax(int64_t i, Value first, mlir::ValueRange scores);
  void addValues(Value count);

  GPUEmitter &b;
  AttentionOp op;
  int64_t headDim, shared, padded, vectors, keyLanes;
  SharedMemory buffers;
  size_t queryBuffer, keyBuffer, weightBuffer;
  TilePlace place;
  Value queries, keys, weights, lane, group, lastKey;
  /// Per query: maximum and this thread's part of the total; its sums.
  Values maxima, totals, sums;
};

/// Why the tile cannot be used for an op; empty if it can.
llvm::StringRef whyNoAttentionTile(AttentionOp op);

/// Query heads that share a key head.
int64_t sharedHeads(AttentionOp op);
int64_t headDimOf(AttentionOp op);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_ATTENTIONTILE_H
