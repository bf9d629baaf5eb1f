//===- StepFields.h - which rows belong to which sequence, in compiled code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_STEPFIELDS_H
#define BRAID_TRANSFORMS_STEPFIELDS_H

#include "braid-rt/abi.h"
#include "braid/Transforms/LoopBuilder.h"
#include <cstddef>
#include <type_traits>

namespace braid {

/// Where a field of `braid_step` lies, in bytes, and what it is: an address or
/// a count of 64 bits. There is no other kind.
struct StepField {
  int32_t offset;
  bool isAddress;
};
#define BRAID_STEP_FIELD(name)                                                 \
  (::braid::StepField{int32_t(offsetof(braid_step, name)),                     \
                      std::is_pointer_v<decltype(braid_step::name)>})

/// Reads a field through `step`, an LLVM pointer to the structure.
mlir::Value readStepField(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value step, StepField field);

/// Emits reads of the running step (`braid_step`, braid-rt/abi.h): its
/// sequences, and of each the rows, the position of the first and the slot. All
/// results are of type index, and are read where the builder stands.
class StepFields {
public:
  using Value = mlir::Value;

  /// `step` is a `!braid.context` or a `!braid.batch`: both are that structure.
  StepFields(LoopBuilder &b, Value step) : b(b), step(step) {}

  Value sequences();
  /// First row of a sequence; of `sequences()`: the number of rows.
  Value rowBegin(Value sequence);
  /// Absolute position of a sequence's first row.
  Value position(Value sequence);
  Value slot(Value sequence);

private:
  Value read(StepField field);
  Value entry(StepField table, Value index);

  LoopBuilder &b;
  Value step;
};

} // namespace braid

#endif // BRAID_TRANSFORMS_STEPFIELDS_H
