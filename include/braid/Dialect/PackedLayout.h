//===- PackedLayout.h - where a packed weight holds its numbers
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_DIALECT_PACKEDLAYOUT_H
#define BRAID_DIALECT_PACKEDLAYOUT_H

#include "braid/Dialect/Braid.h"

namespace braid {

/// The layout of `braid.packed_contract`'s weight: [E]? [panels, rows, 32, kp],
/// where 32 x kp elements are 32 words, one for each output of the panel.
struct PackedLayout {
  /// Of W [., inputs] in a format that kernels read: f32, bf16 or fp8.
  PackedLayout(StorageKind format, int64_t inputs);
  /// Of a packed weight; its element type says the format.
  static std::optional<PackedLayout> of(mlir::Type packed, int64_t inputs);

  /// Codes of the checkpoint, which kernels decode to bf16, instead of numbers.
  bool isCoded() const { return format == StorageKind::FP8; }
  mlir::Type elementType(mlir::MLIRContext *context) const;
  mlir::RankedTensorType pack(mlir::RankedTensorType logical) const;

  StorageKind format;
  int64_t inputs;
  int64_t kp;        ///< Inputs in a word.
  int64_t scaleRows; ///< Rows in front of those with inputs.
  int64_t rows;
  /// Inputs whose codes lie in four rows: row c has those of the two registers
  /// that lane c of a quad holds of an mma's B: inputs 2c, 2c + 8, 2c + 1 and
  /// 2c + 9, so that the two of a register are 16 bits apart.
  static constexpr int64_t kBlock = 16;
};

} // namespace braid

#endif // BRAID_DIALECT_PACKEDLAYOUT_H
