//===- TensorCore.cpp - copies, fragments and products of a warp
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TensorCore.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace braid;

void braid::copyAsync(GPUEmitter &b, Place from, Place to, int64_t lanes,
                      Value wanted) {
  auto type = cast<MemRefType>(from.buffer.getType());
  // Only copies of 16 bytes can pass by the first cache.
  bool whole = lanes * type.getElementTypeBitWidth() == 128;
  Value count;
  if (wanted)
    count = b.select(wanted, b.index(lanes), b.index(0));
  nvgpu::DeviceAsyncCopyOp::create(
      b, nvgpu::DeviceAsyncTokenType::get(b.getContext()), to.buffer,
      ValueRange(to.at), from.buffer, ValueRange(from.at),
      b.getIndexAttr(lanes), count, whole ? b.getUnitAttr() : UnitAttr());
}

void braid::commitCopies(GPUEmitter &b) {
  NVVM::CpAsyncCommitGroupOp::create(b);
}

void braid::waitCopies(GPUEmitter &b, int64_t groups) {
  NVVM::CpAsyncWaitGroupOp::create(b, uint32_t(groups));
}

/// Two bf16 as the register that they lie in.
static Value registerOf(GPUEmitter &b, Value pair) {
  Value word = vector::BitCastOp::create(
      b, VectorType::get({1}, b.getI32Type()), pair);
  return vector::ExtractOp::create(b, word, ArrayRef<int64_t>{0});
}

LoopBuilder::Values braid::loadMatrices(GPUEmitter &b, Place rowOfLane,
                                        bool transposed) {
  constexpr int64_t kCount = 4;
  auto type = VectorType::get({kCount, 2}, b.getBF16Type());
  Value all = nvgpu::LdMatrixOp::create(b, type, rowOfLane.buffer,
                                        ValueRange(rowOfLane.at), transposed,
                                        uint32_t(kCount));
  LoopBuilder::Values registers;
  for (int64_t i = 0; i < kCount; ++i)
    registers.push_back(registerOf(
        b, vector::ExtractOp::create(b, all, ArrayRef<int64_t>{i})));
  return registers;
}

LoopBuilder::Values braid::multiply(GPUEmitter &b, ValueRange a,
                                    ValueRange bMatrix, ValueRange c) {
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  constexpr auto bf16 = NVVM::MMATypes::bf16;
  Value sum = NVVM::MmaOp::create(
      b, type, a, bMatrix, c, ArrayRef<int64_t>{16, 8, 16},
      /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
      std::array{bf16, bf16},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  LoopBuilder::Values registers;
  for (int64_t i = 0; i < 4; ++i)
    registers.push_back(LLVM::ExtractValueOp::create(b, sum, i));
  return registers;
}

Value braid::vectorOf(GPUEmitter &b, ValueRange elements) {
  auto type = VectorType::get({int64_t(elements.size())},
                              elements.front().getType());
  return vector::FromElementsOp::create(b, type, elements);
}

Value braid::packPair(GPUEmitter &b, Value low, Value high) {
  return registerOf(b, b.narrow(vectorOf(b, {low, high}), b.getBF16Type()));
}
