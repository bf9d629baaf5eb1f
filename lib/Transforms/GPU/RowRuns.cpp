//===- RowRuns.cpp - runs of rows of one sequence
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RowRuns.h"
#include "braid/Transforms/StepFields.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace braid;

Value RowRuns::count(Value rows, Value sequences) {
  return b.add(b.div(rows, b.index(length)), sequences);
}

Value RowRuns::firstOf(Value sequence) {
  Value begin = StepFields(b, b.context).rowBegin(sequence);
  return b.add(b.div(begin, b.index(length)), sequence);
}

/// The last sequence that has begun by then: halves [s, s + n) until n is 1.
Value RowRuns::sequenceOf(Value number) {
  Value sequences = StepFields(b, b.context).sequences();
  Value zero = b.index(0), one = b.index(1);
  auto more = [&](OpBuilder &, Location, ValueRange range) {
    scf::ConditionOp::create(b, b.lt(one, range[1]), range);
  };
  auto halve = [&](OpBuilder &, Location, ValueRange range) {
    Value half = b.div(range[1], b.index(2));
    Value middle = b.add(range[0], half);
    Value begun = b.le(firstOf(middle), number);
    Value rest = b.sub(range[1], half);
    Value results[] = {b.select(begun, middle, range[0]),
                       b.select(begun, rest, half)};
    scf::YieldOp::create(b, results);
  };
  Type types[] = {b.getIndexType(), b.getIndexType()};
  return scf::WhileOp::create(b, types, ValueRange{zero, sequences}, more,
                              halve)
      .getResult(0);
}

RowRun RowRuns::at(Value number) {
  Value sequence = sequenceOf(number);
  StepFields step(b, b.context);
  RowRun run{sequence,
             step.rowBegin(sequence),
             step.rowBegin(b.add(sequence, b.index(1))),
             {},
             {}};
  Value before = b.mul(b.sub(number, firstOf(sequence)), b.index(length));
  run.first = b.add(run.begin, before);
  run.last = b.min(run.end, b.add(run.first, b.index(length)));
  return run;
}
