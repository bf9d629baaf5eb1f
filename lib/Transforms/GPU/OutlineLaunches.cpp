//===- OutlineLaunches.cpp - a launch's region becomes a GPU function
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace braid {
#define GEN_PASS_DEF_OUTLINELAUNCHES
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {
class OutlineLaunches
    : public braid::impl::OutlineLaunchesBase<OutlineLaunches> {
  void runOnOperation() override;
  LogicalResult outline(gpu::LaunchOp launch, func::FuncOp kernel);
  gpu::GPUModuleOp moduleFor(StringRef target);
  bool isWeight(Value buffer);

  llvm::StringMap<SmallVector<func::CallOp>> calls; ///< By their callee.
};
} // namespace

/// Whether a buffer of a kernel is a weight in all of the kernel's calls. Then
/// nothing writes it while the kernel runs, by whatever name.
bool OutlineLaunches::isWeight(Value buffer) {
  buffer = bufferOf(buffer);
  auto argument = dyn_cast<BlockArgument>(buffer);
  if (!argument)
    return buffer.getDefiningOp<WeightViewOp>();
  auto kernel = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto found = kernel ? calls.find(kernel.getSymName()) : calls.end();
  return found != calls.end() &&
         llvm::all_of(found->second, [&](func::CallOp call) {
           Value operand = call.getOperand(argument.getArgNumber());
           return bufferOf(operand).getDefiningOp<WeightViewOp>();
         });
}

/// The target's module, made at its first use.
gpu::GPUModuleOp OutlineLaunches::moduleFor(StringRef target) {
  if (auto found = getOperation().lookupSymbol<gpu::GPUModuleOp>(target))
    return found;
  OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
  return gpu::GPUModuleOp::create(b, getOperation().getLoc(), target);
}

/// Ids of block and thread are read where the region's arguments were used.
static void mapIds(gpu::LaunchOp launch, OpBuilder &b, IRMapping &map) {
  Location loc = launch.getLoc();
  constexpr gpu::Dimension dimensions[] = {
      gpu::Dimension::x, gpu::Dimension::y, gpu::Dimension::z};
  Block &body = launch.getBody().front();
  for (auto [i, dimension] : llvm::enumerate(dimensions)) {
    if (!body.getArgument(i).use_empty())
      map.map(body.getArgument(i),
              gpu::BlockIdOp::create(b, loc, dimension).getResult());
    if (!body.getArgument(3 + i).use_empty())
      map.map(body.getArgument(3 + i),
              gpu::ThreadIdOp::create(b, loc, dimension).getResult());
  }
}

/// A function of the same kernel that does the same, or null: projections of
/// one size are one function.
static gpu::GPUFuncOp findEqual(gpu::GPUModuleOp module,
                                gpu::GPUFuncOp function) {
  StringAttr name = function.getNameAttr();
  for (auto other : module.getOps<gpu::GPUFuncOp>()) {
    NamedAttrList attributes(other->getAttrDictionary());
    attributes.set(SymbolTable::getSymbolAttrName(), name);
    if (attributes == NamedAttrList(function->getAttrDictionary()) &&
        OperationEquivalence::isRegionEquivalentTo(
            &other.getBody(), &function.getBody(),
            OperationEquivalence::IgnoreLocations))
      return other;
  }
  return nullptr;
}

/// (captures...) -> (). Constants are repeated inside.
LogicalResult OutlineLaunches::outline(gpu::LaunchOp launch,
                                       func::FuncOp kernel) {
  std::optional<int64_t> threads = getConstantIntValue(launch.getBlockSizeX());
  Value shared = launch.getDynamicSharedMemorySize();
  std::optional<int64_t> bytes = shared ? getConstantIntValue(shared) : 0;
  if (!threads || !bytes)
    return launch.emitOpError("expected the threads of a block and its shared "
                              "memory as constants");
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(launch.getBody(), used);
  SmallVector<Value> captures, constants;
  for (Value value : used)
    (matchPattern(value, m_Constant()) ? constants : captures).push_back(value);

  StringRef target = kernel->getAttrOfType<StringAttr>(kTargetAttr);
  gpu::GPUModuleOp module = moduleFor(target);
  std::string name = kernel.getSymName().drop_back(target.size() + 1).str();
  if (auto part = launch->getAttrOfType<StringAttr>(kPartAttr))
    name += ("_" + part.getValue()).str();
  OpBuilder b(&getContext());
  auto function = gpu::GPUFuncOp::create(
      b, launch.getLoc(), name,
      b.getFunctionType(TypeRange(ValueRange(captures)), {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function->setAttr(kKernelAttr, kernel->getAttr(kKernelAttr));
  function->setAttr(kThreadsAttr, b.getI64IntegerAttr(*threads));
  function->setAttr(kSharedBytesAttr, b.getI64IntegerAttr(*bytes));
  for (StringRef name : {kBlocksAttr, kOpAttr, kStrategyAttr})
    if (Attribute value = launch->getAttr(name))
      function->setAttr(name, value);
  for (auto [i, capture] : llvm::enumerate(captures))
    if (isWeight(capture))
      for (StringRef name : {LLVM::LLVMDialect::getNoAliasAttrName(),
                             LLVM::LLVMDialect::getReadonlyAttrName()})
        function.setArgAttr(i, name, b.getUnitAttr());

  IRMapping map;
  map.map(captures, function.getArguments());
  b.setInsertionPointToStart(&function.front());
  for (Value constant : constants)
    b.clone(*constant.getDefiningOp(), map);
  mapIds(launch, b, map);
  for (Operation &inner : launch.getBody().front().without_terminator())
    b.clone(inner, map);
  gpu::ReturnOp::create(b, launch.getLoc());
  if (gpu::GPUFuncOp equal = findEqual(module, function)) {
    function.erase();
    function = equal;
  } else {
    SymbolTable(module).insert(function);
  }

  b.setInsertionPoint(launch);
  gpu::LaunchFuncOp::create(b, launch.getLoc(), function,
                            launch.getGridSizeOperandValues(),
                            launch.getBlockSizeOperandValues(),
                            launch.getDynamicSharedMemorySize(), captures);
  launch.erase();
  return success();
}

void OutlineLaunches::runOnOperation() {
  calls.clear();
  getOperation().walk(
      [&](func::CallOp call) { calls[call.getCallee()].push_back(call); });
  for (auto kernel : getOperation().getOps<func::FuncOp>()) {
    SmallVector<gpu::LaunchOp> launches;
    kernel.walk([&](gpu::LaunchOp launch) { launches.push_back(launch); });
    for (gpu::LaunchOp launch : launches)
      if (failed(outline(launch, kernel)))
        return signalPassFailure();
  }
  if (getOperation()->hasAttr(kGPUTargetsAttr))
    getOperation()->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                            UnitAttr::get(&getContext()));
}
