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
  /// Of W [., inputs] in a format that kernels read: f32, bf16, fp8 or nvfp4.
  PackedLayout(StorageKind format, int64_t inputs);
  /// Of a packed weight; its element type says the format.
  static std::optional<PackedLayout> of(mlir::Type packed, int64_t inputs);

  /// Codes of the checkpoint, which kernels decode to bf16, instead of numbers.
  bool isCoded() const {
    return format == StorageKind::FP8 || format == StorageKind::NVFP4;
  }
  mlir::Type elementType(mlir::MLIRContext *context) const;
  mlir::RankedTensorType pack(mlir::RankedTensorType logical) const;

  StorageKind format;
  int64_t inputs;
  int64_t kp;        ///< Elements in a word: inputs, or bytes of codes.
  int64_t perWord;   ///< Inputs in a word.
  int64_t scaleRows; ///< Rows in front of those with inputs.
  int64_t rows;

  // Codes lie in blocks of 16 inputs. A block's words have, for each lane of a
  // quad, the two registers that it holds of an mma's B: of lane c inputs 2c and
  // 2c + 1, then 2c + 8 and 2c + 9. The two of a register are 16 bits apart.
  static constexpr int64_t kBlock = 16, kQuad = 4;
  int64_t codeBits() const { return 32 / perWord; }
  int64_t blockRows() const { return kBlock / perWord; }
  /// Lanes of a quad that share a word, and where in it the lane's first code of
  /// its register 0 or 1 is.
  int64_t lanesOfWord() const { return kQuad / blockRows(); }
  int64_t shiftOf(int64_t lane, int64_t reg) const {
    return (lane % lanesOfWord() * 2 + reg) * codeBits();
  }
  /// Blocks have scales of their own, four of them in a word.
  bool hasBlockScales() const { return format == StorageKind::NVFP4; }
};

} // namespace braid

#endif // BRAID_DIALECT_PACKEDLAYOUT_H
