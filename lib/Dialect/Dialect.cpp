//===- Dialect.cpp - registration, and what all ops share
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "VerifyShapes.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace braid;

#include "braid/Dialect/BraidDialect.cpp.inc"
#include "braid/Dialect/BraidEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "braid/Dialect/BraidTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "braid/Dialect/BraidAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "braid/Dialect/BraidOps.cpp.inc"

void BraidDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "braid/Dialect/BraidTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "braid/Dialect/BraidAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "braid/Dialect/BraidOps.cpp.inc"
      >();
}

/// (storage_c1), (storage_c2).
LogicalResult StorageAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type element,
    function_ref<InFlightDiagnostic()> emitError) const {
  StorageKind kind = getKind();
  MLIRContext *context = getContext();
  Type stored = BFloat16Type::get(context);
  if (kind == StorageKind::F32)
    stored = Float32Type::get(context);
  if (kind == StorageKind::F16)
    stored = Float16Type::get(context);
  if (element != stored)
    return emitError() << "storage_c1: a weight stored as "
                       << stringifyStorageKind(kind) << " is a tensor of "
                       << stored << ", found " << element;
  if (kind != StorageKind::FP8 && kind != StorageKind::NVFP4)
    return success();
  if (shape.size() < 2 || shape.size() > 3)
    return emitError() << "storage_c2: " << stringifyStorageKind(kind)
                       << " stores matrices and stacks of them, found rank "
                       << shape.size();
  if (kind == StorageKind::NVFP4 && shape.back() % 16 != 0)
    return emitError()
           << "storage_c2: nvfp4 stores blocks of 16 columns, found "
           << shape.back() << " columns";
  return success();
}

LogicalResult PoolAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringRef name, RankedTensorType type) {
  if (name.empty())
    return emitError() << "pool_c1: a pool needs a name";
  if (type.getRank() < 3 || type.isDynamicDim(0) || !type.isDynamicDim(1))
    return emitError() << "pool_c2: pool '" << name
                       << "': expected layers x ? (slots) x ..., found "
                       << type;
  if (type.getNumDynamicDims() > 2)
    return emitError() << "pool_c3: pool '" << name
                       << "': expected no dynamic size beside slots and "
                          "context, found "
                       << type;
  return success();
}

LogicalResult
StatePlanAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<PoolAttr> pools) {
  llvm::SmallDenseSet<StringRef> names;
  for (PoolAttr pool : pools)
    if (!names.insert(pool.getName()).second)
      return emitError() << "plan_c1: two pools are called '" << pool.getName()
                         << "'";
  return success();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   StringRef strategy, int64_t lanes,
                                   int64_t rows, StringRef dot) {
  if (strategy != "reference" && strategy != "vector")
    return emitError() << "schedule_c1: expected the strategy reference or "
                          "vector, found '"
                       << strategy << "'";
  if (dot != "fma" && dot != "bf16")
    return emitError() << "schedule_c2: expected dot fma or bf16, found '"
                       << dot << "'";
  if (lanes < 1 || lanes > kPanel || !llvm::isPowerOf2_64(lanes) || rows < 1 ||
      rows > 64)
    return emitError() << "schedule_c3: expected lanes a power of two from 1 "
                          "to 32 and rows from 1 to 64, found "
                       << lanes << " and " << rows;
  if (strategy == "reference" && (lanes != 1 || rows != 1 || dot != "fma"))
    return emitError()
           << "schedule_c4: reference has one lane, one row and fma";
  if (dot == "bf16" && (lanes < 4 || lanes > 16))
    return emitError() << "schedule_c5: expected 4, 8 or 16 lanes for dot "
                          "bf16, found "
                       << lanes;
  return success();
}

LogicalResult
GPUScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        StringRef strategy, int64_t threads, int64_t blocks,
                        ArrayRef<int64_t> tile) {
  bool reference = strategy == "reference", mma = strategy == "mma";
  bool wgmma = strategy == "wgmma";
  if (!reference && strategy != "simt" && strategy != "gemv" && !mma && !wgmma)
    return emitError() << "gpu_schedule_c1: expected the strategy reference, "
                          "simt, gemv, mma or wgmma, found '"
                       << strategy << "'";
  if (reference ? threads != 1
                : threads < 32 || threads > 1024 || threads % 32 != 0)
    return emitError() << "gpu_schedule_c2: expected "
                       << (reference ? "one thread"
                                     : "a multiple of 32 threads up to 1024")
                       << ", found " << threads;
  if (blocks < 1 || blocks > 32)
    return emitError() << "gpu_schedule_c3: expected 1 to 32 blocks, found "
                       << blocks;
  auto allowed = [](int64_t side) { return side == 64 || side == 128; };
  if (wgmma && (tile.size() != 3 || !allowed(tile[0]) || tile[1] != 256 ||
                tile[2] < 0))
    return emitError() << "gpu_schedule_c4: expected a tile of 64 or 128 rows, "
                          "256 outputs, and a number of blocks";
  if (!wgmma && !tile.empty() && (!mma || tile.size() != 3 || !allowed(tile[0]) ||
                        !allowed(tile[1]) || tile[2] < 0))
    return emitError() << "gpu_schedule_c4: expected "
                       << (mma ? "a tile of 64 or 128 rows, 64 or 128 outputs, "
                                 "and a number of blocks"
                               : "no tile but with mma and wgmma");
  return success();
}

void braid::detail::nameResults(Operation *op, StringRef names,
                                OpAsmSetValueNameFn setName) {
  for (Value result : op->getResults()) {
    auto [name, rest] = names.split(',');
    setName(result, name);
    names = rest;
  }
}

void braid::detail::getComputeEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

bool braid::detail::fits(Value value, ArrayRef<int64_t> shape) {
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() != int64_t(shape.size()))
    return false;
  for (auto [have, want] : llvm::zip(type.getShape(), shape))
    if (want != kAny && !ShapedType::isDynamic(have) && have != want)
      return false;
  return true;
}

LogicalResult braid::detail::requireStatic(Operation *op, StringRef label,
                                           Value value,
                                           ArrayRef<unsigned> dims) {
  auto type = cast<ShapedType>(value.getType());
  for (unsigned i : dims)
    if (i >= type.getRank() || type.isDynamicDim(i) || type.getDimSize(i) < 1)
      return op->emitOpError(label)
             << ": expected a static, positive size in dimension " << i
             << " of " << type;
  return success();
}

LogicalResult braid::detail::verifyInits(DestinationStyleOpInterface op) {
  bool tensors = llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>);
  if (tensors && llvm::any_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>))
    return op.emitOpError(
        "dps_c1: expected all operands to be tensors or all memrefs");
  auto inits = op.getDpsInits();
  if (op->getNumResults() != (tensors ? inits.size() : 0))
    return op.emitOpError("dps_c2: expected ")
           << (tensors ? inits.size() : 0) << " results, found "
           << op->getNumResults();
  for (auto [result, init] : llvm::zip(op->getResults(), inits))
    if (result.getType() != init.getType())
      return op.emitOpError("dps_c2: expected result type ")
             << init.getType() << ", found " << result.getType();
  return success();
}

Value braid::bufferOf(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  return view;
}

Attribute braid::scheduleOf(Operation *op) {
  if (Attribute own = op->getAttr(kScheduleAttr))
    return own;
  return op->getParentOfType<FunctionOpInterface>()->getAttr(kScheduleAttr);
}
