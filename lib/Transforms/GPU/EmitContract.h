//===- EmitContract.h - what all kernels of a contraction share (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_EMITCONTRACT_H
#define BRAID_LIB_TRANSFORMS_GPU_EMITCONTRACT_H

#include "RowProducer.h"
#include "braid/Dialect/PackedLayout.h"

namespace braid {

/// Threads of a block, in all kernels of a contraction.
constexpr int64_t kContractThreads = 256;

/// The operands and rows of one packed contraction. Without groups a place is a
/// row. With groups it is the number of a (row, choice) pair in sorted order, in
/// which the rows of an expert follow each other.
class Contraction {
public:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  /// Emits host code: the operands as the kernels index them.
  Contraction(GPUEmitter &b, PackedContractOp op);

  /// Whether products of pairs of bf16 can be asked for.
  static bool fitsTensorCores(PackedContractOp op);
  /// Whether rows of x can be copied 16 bytes at a time, too.
  static bool fitsTiles(PackedContractOp op);

  /// Places [first, end), all of one expert if there are any.
  struct Tile {
    Value first, end, expert;
  };
  /// Where a place's x is read and its y written, and its row of the batch.
  struct Place {
    Value x, y, row;
  };

  /// Launches blocks for all tiles of up to `rows` places, each for `columns`
  /// outputs; `body` gets the first of the outputs and is emitted once. Host
  /// code knows how many rows there are but not how many fall to an expert: of
  /// a grouped contraction a block takes one tile of its expert after another,
  /// with a barrier between them, and blocks of experts without rows leave.
  void launch(int64_t rows, int64_t columns, const SharedMemory &shared,
              llvm::function_ref<void(Value, const Tile &)> body);

  /// The same with a block for each tile, so that an expert with many rows does
  /// not take longer than others. Blocks have to find their expert, which is
  /// worth it for many rows only.
  void launchTiles(int64_t rows, int64_t columns, const SharedMemory &shared,
                   llvm::function_ref<void(Value, const Tile &)> body);

  // Inside a launch.
  Place place(Value number);
  /// The words of `count` consecutive outputs of a panel, from a row that holds
  /// a pair, or codes.
  Value weights(Value expert, Value panel, Value row, Value output,
                int64_t count);
  /// The same, of any row: scales are in front.
  Value loadWords(Value expert, Value panel, Value row, Value output,
                  int64_t count);
  /// The row with the scales of a block of inputs.
  Value scaleRow(Value block);
  /// From words of that row, those of block `number`, twice each.
  Value blockScales(Value codes, Value number);
  /// What the words of a row of codes have for register `reg` of a lane of a
  /// quad, as the words of the row of pairs that they stand for. `scales` of their
  /// block, if it has any.
  Value decodePairs(Value codes, Value lane, int64_t reg, Value scales);
  /// How many consecutive outputs can be stored at once, at most `wanted`.
  int64_t storeLanes(int64_t wanted);
  /// Applies the epilogue to the sums (a vector of f32) of consecutive outputs
  /// and stores those that exist. `column` is a multiple of the vector's length.
  void finish(Value sums, Value expert, const Place &place, Value column);

  GPUEmitter &b;
  PackedContractOp op;
  bool grouped;
  /// y [., n] = x [., k] W^T, W in panels of 32 outputs and pairs of kp inputs,
  /// which is what codes become.
  int64_t n, k, panels, pairs, kp;
  PackedLayout layout;
  int64_t choices = 1; ///< Of a row.
  Value x, w, y;
  Value rows; ///< Of the batch, on the host.
  /// Of few rows, one of the extras may be computed where it is read.
  RowProducer *producer = nullptr;

private:
  void launchDense(int64_t rows, Value x, const SharedMemory &shared,
                   llvm::function_ref<void(Value, const Tile &)> body);
  void launchGrouped(int64_t rows, Value x, const SharedMemory &shared,
                     llvm::function_ref<void(Value, const Tile &)> body);
  Value entry(Value table, Value at);
  Value tileBegin(Value which, int64_t rows);
  Value findExpert(Value tile, int64_t rows);
  Value scaled(Value sums, Value expert, Value column);
  Value epilogue(Value sums, const Place &place, Value column);

  Value order, begin, active;
};

/// The bits of a vector as i32.
mlir::Value wordsOf(LoopBuilder &b, mlir::Value vector);

/// Emits the contractions of a kernel. An op before them that computes rows
/// that they read, or a convolution behind that reads their columns, is one
/// launch with them where that is worth it.
mlir::LogicalResult emitContractions(GPUEmitter &b,
                                     llvm::ArrayRef<mlir::Operation *> ops);

/// Tiles of threads that compute in f32, for any number of rows.
void emitContractTiles(Contraction &contraction);

/// What a block of few rows does beside its outputs.
struct GemvFusion {
  RowProducer *producer = nullptr; ///< Makes rows that the block reads.
  /// Whether one block writes these rows for other kernels, if they are x.
  bool publish = false;
  CausalConvOp conv; ///< Reads columns that the block has written, or null.
};

/// The channels of a convolution whose inputs a block has just written, `count`
/// columns of all rows of the step, with the very sums and roundings of the
/// op's own launch. Each channel belongs to one block, which reads and writes
/// its part of the pool. All threads come by, after a barrier behind what they
/// wrote.
void emitConvColumns(GPUEmitter &b, CausalConvOp op, mlir::Value column,
                     int64_t count);

/// A kernel that reads the weights once for up to `rows` rows.
void emitContractGemv(Contraction &contraction, int64_t rows,
                      const GemvFusion &fusion);
/// Whether its shared memory is there on all targets.
bool fitsContractGemv(Contraction &contraction, int64_t rows,
                      RowProducer *producer);

/// Tensor cores, for more than a few rows of bf16. `tile` as in the schedule.
void emitContractMma(Contraction &contraction, llvm::ArrayRef<int64_t> tile);

/// Those of a warpgroup, for many rows.
void emitContractWgmma(Contraction &contraction, llvm::ArrayRef<int64_t> tile);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_EMITCONTRACT_H
