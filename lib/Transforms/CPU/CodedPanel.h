//===- CodedPanel.h - a panel of coded weights as pairs of bf16 (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_CPU_CODEDPANEL_H
#define BRAID_LIB_TRANSFORMS_CPU_CODEDPANEL_H

#include "Emitters.h"
#include "braid/Dialect/PackedLayout.h"

namespace braid {

/// A panel of `weight`, [..., panels, rows, 32 * kp], in vectors of as many
/// outputs as there are lanes. `place` are the panel's indices.
class CodedPanel {
public:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  CodedPanel(Emitter &b, Value weight, mlir::ValueRange place,
             const PackedLayout &layout)
      : b(b), weight(weight), place(place), layout(layout) {}

  /// Of the outputs from `output` on, as f32.
  Value scales(int64_t output);
  /// The pairs of a block in ascending order, each in vectors of all outputs.
  llvm::SmallVector<Values> block(Value number);
  /// Decodes the panel into `pairs`, [inputs / 2, 64], where it lies as a panel
  /// of bf16 does.
  void unpack(Value pairs);

private:
  Value words(Value row, int64_t output);
  Value numberAt(Value words, int64_t shift, Value scale);
  Value pairOf(Value words, int64_t shift, Value scale);
  Value blockScale(Value number, int64_t output);

  Emitter &b;
  Value weight;
  Values place;
  const PackedLayout &layout;
};

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_CPU_CODEDPANEL_H
