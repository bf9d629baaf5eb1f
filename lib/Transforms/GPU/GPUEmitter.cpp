//===- GPUEmitter.cpp - what all GPU emitters share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GPUEmitter.h"
#include "braid-rt/abi.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>
#include <utility>

using namespace mlir;
using namespace braid;

static Attribute workgroup(MLIRContext *context) {
  return gpu::AddressSpaceAttr::get(context, gpu::AddressSpace::Workgroup);
}

static MemRefType bufferType(ArrayRef<int64_t> shape, Type element) {
  return MemRefType::get(shape, element, MemRefLayoutAttrInterface(),
                         workgroup(element.getContext()));
}

static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

size_t SharedMemory::reserve(ArrayRef<int64_t> shape, Type element) {
  buffers.push_back({bufferType(shape, element), size});
  size += llvm::alignTo(bytesOf(buffers.back().first), 128);
  return buffers.size() - 1;
}

size_t SharedMemory::reserveOver(size_t other, ArrayRef<int64_t> shape,
                                 Type element) {
  buffers.push_back({bufferType(shape, element), buffers[other].second});
  int64_t end = buffers.back().second + bytesOf(buffers.back().first);
  size = std::max<int64_t>(size, llvm::alignTo(end, 128));
  return buffers.size() - 1;
}

void GPUEmitter::begin(Operation *op) {
  setLoc(op->getLoc());
  schedule = cast<GPUScheduleAttr>(scheduleOf(op));
  threads = schedule.getThreads();
  part.clear();
  opName = op->getName().stripDialect();
  member.reset();
}

void GPUEmitter::launch(Value x, Value y, const SharedMemory &shared,
                        function_ref<void(Value, Value)> body) {
  Value one = index(1), block = index(threads);
  auto op = gpu::LaunchOp::create(*this, x, y, one, block, one, one,
                                  i32(shared.bytes()));
  op->setAttr(kBlocksAttr, getI64IntegerAttr(blocks.value_or(schedule.getBlocks())));
  op->setAttr(kStrategyAttr, getStringAttr(schedule.getStrategy()));
  op->setAttr(kOpAttr, getStringAttr(opName));
  if (!part.empty())
    op->setAttr(kPartAttr, getStringAttr(part));
  if (member)
    op->setAttr(kMemberAttr, getI64IntegerAttr(*member));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&op.getBody().front());
  body(op.getBlockIds().x, op.getBlockIds().y);
  gpu::TerminatorOp::create(*this);
}

Value GPUEmitter::scratch(ArrayRef<int64_t> shape, Type element) {
  Operation *module = getInsertionBlock()->getParentOp();
  while (!isa<ModuleOp>(module))
    module = module->getParentOp();
  int64_t fixed = 0, perRow = 0;
  if (auto arena = module->getAttrOfType<DenseI64ArrayAttr>(kArenaAttr))
    fixed = arena[0], perRow = arena[1];
  auto type = MemRefType::get(shape, element);
  int64_t begin = std::exchange(
      scratchEnd,
      llvm::alignTo(scratchEnd + bytesOf(type), BRAID_ALIGNMENT));
  return ArenaViewOp::create(*this, type, context, fixed + begin, perRow,
                             ValueRange());
}

Value GPUEmitter::thread() {
  return gpu::ThreadIdOp::create(*this, gpu::Dimension::x);
}

static Value allShared(OpBuilder &b, Location loc) {
  auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                               MemRefLayoutAttrInterface(),
                               workgroup(b.getContext()));
  return gpu::DynamicSharedMemoryOp::create(b, loc, bytes);
}

Value GPUEmitter::sharedAddress(const SharedMemory &memory, size_t number,
                                Value offset) {
  Value all = memref::ExtractAlignedPointerAsIndexOp::create(
      *this, allShared(*this, getLoc()));
  Value address =
      add(all, add(offset, index(memory.buffers[number].second)));
  Value number64 = arith::IndexCastOp::create(*this, getI64Type(), address);
  return LLVM::IntToPtrOp::create(
      *this, LLVM::LLVMPointerType::get(getContext(), /*addressSpace=*/3),
      number64);
}

Value GPUEmitter::shared(const SharedMemory &memory, size_t number,
                         Value shift) {
  Value all = allShared(*this, getLoc());
  auto [type, offset] = memory.buffers[number];
  Value at = index(offset);
  if (shift)
    at = add(at, shift);
  return memref::ViewOp::create(*this, type, all, at, ValueRange());
}

void GPUEmitter::barrier() { gpu::BarrierOp::create(*this); }

Value GPUEmitter::shuffleXor(Value v, int64_t mask) {
  return gpu::ShuffleOp::create(*this, v, i32(mask), i32(kWarp),
                                gpu::ShuffleMode::XOR)
      .getShuffleResult();
}

Value GPUEmitter::blockSum(Value v, Value partial) {
  for (int64_t mask = kWarp / 2; mask >= 1; mask /= 2)
    v = add(v, shuffleXor(v, mask));
  if (threads == kWarp)
    return v;
  Value warp = div(thread(), index(kWarp));
  when(eq(rem(thread(), index(kWarp)), index(0)),
       [&] { store(v, partial, {warp}); });
  barrier();
  Value total = load(partial, {index(0)});
  for (int64_t w = 1; w < threads / kWarp; ++w)
    total = add(total, load(partial, {index(w)}));
  return total;
}

Value GPUEmitter::lane() { return toI32(rem(thread(), index(kWarp))); }

Value GPUEmitter::warp() { return div(thread(), index(kWarp)); }

void GPUEmitter::syncWarp() { NVVM::SyncWarpOp::create(*this, i32(-1)); }

Value GPUEmitter::sumWarp(Value v) {
  return NVVM::ReduxOp::create(*this, v.getType(), v, NVVM::ReduxKind::ADD,
                               i32(-1));
}

Value GPUEmitter::sumBefore(Value v) {
  Value own = v, number = lane();
  for (int64_t distance = 1; distance < kWarp; distance *= 2) {
    auto lower = gpu::ShuffleOp::create(*this, v, i32(distance), i32(kWarp),
                                        gpu::ShuffleMode::UP);
    Value more = select(le(i32(distance), number), lower.getShuffleResult(),
                        i32(0));
    v = add(v, more);
  }
  return sub(v, own);
}

Value GPUEmitter::lanesWith(Value v) {
  return NVVM::MatchSyncOp::create(*this, getI32Type(), i32(-1), v,
                                   NVVM::MatchSyncKind::any);
}

int64_t GPUEmitter::vectorLanes(ValueRange buffers, int64_t width) {
  int64_t lanes = width, narrowest = 64;
  for (Value buffer : buffers) {
    auto type = cast<MemRefType>(buffer.getType());
    narrowest = std::min<int64_t>(narrowest, type.getElementTypeBitWidth());
    // Rows one after another, however many there are.
    if (type.getLayout().isIdentity() && !type.isDynamicDim(type.getRank() - 1)) {
      lanes = std::gcd(lanes, type.getShape().back());
      continue;
    }
    auto [strides, offset] = type.getStridesAndOffset();
    // All but the innermost, whose stride is 1; unknown ones prove nothing.
    for (int64_t stride : ArrayRef(strides).drop_back())
      lanes = std::gcd(lanes, ShapedType::isDynamic(stride) ? 1 : stride);
    lanes = std::gcd(lanes, ShapedType::isDynamic(offset) ? 1 : offset);
  }
  return std::gcd(lanes, 128 / narrowest);
}

static llvm::Align alignmentOf(VectorType type) {
  return llvm::Align(type.getNumElements() * type.getElementTypeBitWidth() / 8);
}

Value GPUEmitter::loadRawAligned(Value memref, Indices at, int64_t lanes) {
  auto type = VectorType::get(
      {lanes}, cast<MemRefType>(memref.getType()).getElementType());
  return vector::LoadOp::create(*this, type, memref, at,
                                /*nontemporal=*/false, alignmentOf(type));
}

Value GPUEmitter::loadAligned(Value memref, Indices at, int64_t lanes) {
  return widen(loadRawAligned(memref, at, lanes));
}

void GPUEmitter::storeAligned(Value vector, Value memref, Indices at) {
  Value rounded =
      narrow(vector, cast<MemRefType>(memref.getType()).getElementType());
  vector::StoreOp::create(*this, rounded, memref, at, /*nontemporal=*/false,
                          alignmentOf(cast<VectorType>(rounded.getType())));
}

void GPUEmitter::storePieces(Value vector, Value memref, Indices at,
                             int64_t lanes) {
  int64_t all = lanesOf(vector);
  if (all <= lanes)
    return storeAligned(vector, memref, at);
  for (int64_t i = 0; i < all; i += lanes) {
    Value piece = vector::ExtractStridedSliceOp::create(
        *this, vector, ArrayRef<int64_t>{i}, ArrayRef<int64_t>{lanes},
        ArrayRef<int64_t>{1});
    Values to(at);
    to.back() = add(to.back(), index(i));
    storeAligned(piece, memref, to);
  }
}
