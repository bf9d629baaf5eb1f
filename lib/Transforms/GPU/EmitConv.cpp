//===- EmitConv.cpp - causal_conv on a GPU: threads over channels
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "RowRuns.h"
#include "braid/Transforms/StepFields.h"

using namespace mlir;
using namespace braid;

namespace {

/// Rows that a thread works on; each reads K-1 rows beside its own.
constexpr int64_t kRunRows = 8;

/// One thread: a vector of channels along a run of rows. The last K-1 inputs
/// travel through the loop over rows in registers.
///
/// The pool is read and written by one thread only, the one whose run begins
/// its sequence: other runs lie at least K-1 rows behind the first one.
struct ConvThread {
  GPUEmitter &b;
  CausalConvOp op;
  RowRun run;
  Value channel;
  int64_t lanes, taps;
  Value slot;

  LoopBuilder::Values pooled(int64_t j) {
    return {op.getOrdinal(), slot, b.index(j), channel};
  }
  /// The K-1 inputs before `row`, which are in this step.
  LoopBuilder::Values inputsBefore(Value row) {
    LoopBuilder::Values inputs;
    for (int64_t back = taps - 1; back > 0; --back)
      inputs.push_back(b.loadAligned(
          op.getX(), {b.sub(row, b.index(back)), channel}, lanes));
    return inputs;
  }
  /// Those before the sequence's first row.
  LoopBuilder::Values history() {
    Value position = StepFields(b, b.context).position(run.sequence);
    Value fresh = b.eq(position, b.index(0));
    LoopBuilder::Values inputs;
    for (int64_t j = 0; j < taps - 1; ++j)
      inputs.push_back(b.select(fresh, b.splat(0.0, lanes),
                                b.loadAligned(op.getPool(), pooled(j), lanes)));
    return inputs;
  }

  LoopBuilder::Values row(Value t, ValueRange window, ArrayRef<Value> weights) {
    Value sum = op.getBias() ? b.loadAligned(op.getBias(), {channel}, lanes)
                             : b.splat(0.0, lanes);
    LoopBuilder::Values inputs(window.begin(), window.end());
    inputs.push_back(b.loadAligned(op.getX(), {t, channel}, lanes));
    for (auto [weight, input] : llvm::zip(weights, inputs))
      sum = b.fma(weight, input, sum);
    b.storeAligned(b.silu(sum), op.getInit(), {t, channel});
    inputs.erase(inputs.begin());
    return inputs;
  }

  /// The sequence's last K-1 inputs: those behind the run if it is the whole
  /// sequence. If not, the sequence has more rows than that.
  void updatePool(ValueRange window) {
    LoopBuilder::Values inputs = b.choose(
        b.eq(run.last, run.end), window.getTypes(),
        [&] { return LoopBuilder::Values(window); },
        [&] { return inputsBefore(run.end); });
    for (auto [j, input] : llvm::enumerate(inputs))
      b.storeAligned(input, op.getPool(), pooled(j));
  }

  void emit() {
    b.when(b.lt(run.first, run.last), [&] { rows(); });
  }

  void rows() {
    slot = StepFields(b, b.context).slot(run.sequence);
    LoopBuilder::Values weights;
    for (int64_t j = 0; j < taps; ++j)
      weights.push_back(
          b.loadAligned(op.getWeight(), {b.index(j), channel}, lanes));
    Value leads = b.eq(run.first, run.begin);
    SmallVector<Type> types(taps - 1, VectorType::get({lanes}, b.getF32Type()));
    LoopBuilder::Values window = b.choose(
        leads, types, [&] { return history(); },
        [&] { return inputsBefore(run.first); });
    window = b.loop(
        run.first, run.last, b.index(1), window,
        [&](Value t, ValueRange carried) { return row(t, carried, weights); });
    b.when(leads, [&] { updatePool(window); });
  }
};

} // namespace

static int64_t tapsOf(CausalConvOp op) {
  return cast<MemRefType>(op.getWeight().getType()).getDimSize(0);
}

static int64_t channelsOf(CausalConvOp op) {
  return cast<MemRefType>(op.getWeight().getType()).getDimSize(1);
}

/// Channels that one access can have.
static int64_t accessOf(CausalConvOp op) {
  SmallVector<Value> buffers = {op.getX(), op.getWeight(), op.getInit(),
                                op.getPool()};
  if (op.getBias())
    buffers.push_back(op.getBias());
  return GPUEmitter::vectorLanes(buffers, channelsOf(op));
}

/// Channels `channel` to `channel` + `lanes` - 1 of all rows of a sequence.
static void emitSequence(GPUEmitter &b, CausalConvOp op, Value channel,
                         int64_t lanes, Value sequence) {
  StepFields step(b, b.context);
  Value begin = step.rowBegin(sequence);
  Value end = step.rowBegin(b.add(sequence, b.index(1)));
  RowRun whole{sequence, begin, end, begin, end};
  ConvThread{b, op, whole, channel, lanes, tapsOf(op), {}}.emit();
}

void braid::emitConvColumns(GPUEmitter &b, CausalConvOp op, Value column,
                            int64_t count) {
  auto x = cast<MemRefType>(op.getX().getType());
  int64_t offset = x.getStridesAndOffset().second, lanes = accessOf(op);
  Value first = b.index(offset), last = b.index(offset + channelsOf(op));
  Value vectors = b.index(count / lanes);
  Value sequences = StepFields(b, b.context).sequences();
  b.loop(b.thread(), b.mul(sequences, vectors), b.index(b.threads),
         [&](Value number) {
           Value lane = b.mul(b.rem(number, vectors), b.index(lanes));
           Value own = b.add(column, lane);
           b.when(b.both(b.le(first, own), b.lt(own, last)), [&] {
             emitSequence(b, op, b.sub(own, first), lanes,
                          b.div(number, vectors));
           });
         });
}

void GPUEmitter::emit(CausalConvOp op) {
  int64_t taps = tapsOf(op), lanes = accessOf(op);
  int64_t vectors = channelsOf(op) / lanes;
  Value slices = index(llvm::divideCeil(vectors, threads));
  auto launchRuns = [&, prefix = part](StringRef name, Value count,
                                       function_ref<RowRun(Value)> runAt) {
    part = prefix + name.str();
    launch(count, slices, SharedMemory(), [&](Value number, Value slice) {
      Value vector = add(mul(slice, index(threads)), thread());
      when(lt(vector, index(vectors)), [&] {
        Value channel = mul(vector, index(lanes));
        ConvThread{*this, op, runAt(number), channel, lanes, taps, {}}.emit();
      });
    });
  };
  Value rows = dim(op.getX(), 0);
  Value sequences = StepFields(*this, context).sequences();
  RowRuns runs(*this, std::max(kRunRows, taps - 1));
  // With as many sequences as rows, each row is a sequence.
  when(
      eq(rows, sequences),
      [&] {
        launchRuns("step", sequences, [&](Value row) {
          Value next = add(row, index(1));
          return RowRun{row, row, next, row, next};
        });
      },
      [&] {
        launchRuns("runs", runs.count(rows, sequences),
                   [&](Value number) { return runs.at(number); });
      });
}
