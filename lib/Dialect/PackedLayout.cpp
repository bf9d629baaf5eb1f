//===- PackedLayout.cpp - where a packed weight holds its numbers
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Dialect/PackedLayout.h"

using namespace mlir;
using namespace braid;

static int64_t inputsOfWord(StorageKind format) {
  switch (format) {
  case StorageKind::BF16:
    return 2;
  case StorageKind::FP8:
    return 4;
  case StorageKind::NVFP4:
    return 8;
  default:
    return 1;
  }
}

PackedLayout::PackedLayout(StorageKind format, int64_t inputs)
    : format(format), inputs(inputs), kp(std::min<int64_t>(
                                          inputsOfWord(format), 4)),
      perWord(inputsOfWord(format)), scaleRows(isCoded() ? 1 : 0) {
  if (hasBlockScales())
    scaleRows += llvm::divideCeil(inputs, 4 * kBlock);
  rows = scaleRows + int64_t(llvm::divideCeil(inputs, perWord));
}

std::optional<PackedLayout> PackedLayout::of(Type packed, int64_t inputs) {
  Type element = getElementTypeOrSelf(packed);
  if (element.isF32())
    return PackedLayout(StorageKind::F32, inputs);
  if (element.isBF16())
    return PackedLayout(StorageKind::BF16, inputs);
  if (isa<Float8E4M3FNType>(element))
    return PackedLayout(StorageKind::FP8, inputs);
  if (element.isInteger(8))
    return PackedLayout(StorageKind::NVFP4, inputs);
  return std::nullopt;
}

Type PackedLayout::elementType(MLIRContext *context) const {
  switch (format) {
  case StorageKind::BF16:
    return BFloat16Type::get(context);
  case StorageKind::FP8:
    return Float8E4M3FNType::get(context);
  case StorageKind::NVFP4:
    return IntegerType::get(context, 8);
  default:
    return Float32Type::get(context);
  }
}

RankedTensorType PackedLayout::pack(RankedTensorType logical) const {
  SmallVector<int64_t> shape(logical.getShape().drop_back(2));
  int64_t outputs = logical.getShape().take_back(2)[0];
  shape.append(
      {int64_t(llvm::divideCeil(outputs, kPanel)), rows, kPanel, kp});
  return RankedTensorType::get(shape, elementType(logical.getContext()));
}
