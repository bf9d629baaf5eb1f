//===- Mbarrier.cpp - barriers with phases, and copies of tiles
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Mbarrier.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace braid;

void braid::initMbarrier(GPUEmitter &b, Value mbarrier, int64_t arrivals) {
  NVVM::MBarrierInitOp::create(b, mbarrier, b.i32(arrivals),
                               /*predicate=*/Value());
}

void braid::arrive(GPUEmitter &b, Value mbarrier) {
  NVVM::MBarrierArriveOp::create(b, b.getI64Type(), mbarrier,
                                 /*count=*/Value());
}

void braid::expectBytes(GPUEmitter &b, Value mbarrier, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(
      b, b.getI64Type(), mbarrier, b.i32(bytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, /*predicate=*/Value());
}

/// The hardware suspends a thread for some time only.
void braid::waitForPhase(GPUEmitter &b, Value mbarrier, Value parity) {
  scf::WhileOp::create(
      b, TypeRange(), ValueRange(),
      [&](OpBuilder &inner, Location loc, ValueRange) {
        Value done = NVVM::MBarrierTryWaitOp::create(
            inner, loc, inner.getI1Type(), mbarrier, parity,
            /*ticks=*/Value());
        Value yes = arith::ConstantIntOp::create(inner, loc, 1, /*width=*/1);
        Value again = arith::XOrIOp::create(inner, loc, done, yes);
        scf::ConditionOp::create(inner, loc, again, ValueRange());
      },
      [](OpBuilder &inner, Location loc, ValueRange) {
        scf::YieldOp::create(inner, loc);
      });
}

void braid::copyTile(GPUEmitter &b, Value map, Value column, Value row,
                     Value to, Value mbarrier) {
  auto pointer = [&](unsigned space) {
    return LLVM::LLVMPointerType::get(b.getContext(), space);
  };
  Value source = UnrealizedConversionCastOp::create(b, TypeRange{pointer(0)},
                                                    ValueRange{map})
                     .getResult(0);
  // A block alone is a cluster of its own.
  constexpr unsigned kCluster = 7;
  Value place = LLVM::AddrSpaceCastOp::create(b, pointer(kCluster), to);
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, place, source, ValueRange{b.toI32(column), b.toI32(row)}, mbarrier,
      /*im2colOffsets=*/ValueRange(), /*multicastMask=*/Value(),
      /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
      /*group=*/NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
}

static Value i64(GPUEmitter &b, uint64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(int64_t(value)));
}

/// PTX ISA, "Matrix descriptor": addresses in units of 16 bytes. Rows of 128
/// bytes, eight of them a pattern of swizzling and the unit of the stride; the
/// other offset has no meaning then.
Value braid::describeTile(GPUEmitter &b, Value tile) {
  constexpr uint64_t kStride = 1024 / 16, kSwizzle128 = 1;
  Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), tile);
  Value start = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, address, i64(b, 4)), i64(b, 0x3fff));
  return arith::OrIOp::create(
      b, start, i64(b, kStride << 32 | uint64_t(1) << 16 | kSwizzle128 << 62));
}

Value braid::advanceTile(GPUEmitter &b, Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(b, descriptor, i64(b, uint64_t(bytes) / 16));
}
