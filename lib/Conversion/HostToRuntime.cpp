//===- HostToRuntime.cpp - host code becomes LLVM, calling the runtime's ABI
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelArguments.h"
#include "braid/Transforms/Passes.h"
#include "braid/Transforms/StepFields.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Dialect/X86Vector/Transforms.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace braid {
#define GEN_PASS_DEF_HOSTTORUNTIME
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

/// Reads the step, and tables of pointers that it refers to.
struct StepReader {
  OpBuilder &b;
  Location loc;
  Value step;

  Type pointer() const { return LLVM::LLVMPointerType::get(b.getContext()); }
  Value constant(int64_t value) const {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }
  Value read(StepField field) const {
    return readStepField(b, loc, step, field);
  }
  /// table[i], a table of pointers.
  Value entry(Value table, Value i) const {
    Value address = LLVM::GEPOp::create(b, loc, pointer(), pointer(), table,
                                        ArrayRef<LLVM::GEPArg>{i});
    return LLVM::LoadOp::create(b, loc, pointer(), address);
  }
};

/// Memory of the function's frame, allocated in the entry block, so that use
/// inside a branch or loop costs no further stack.
Value inEntryBlock(Operation *op, Type type, OpBuilder &b) {
  OpBuilder::InsertionGuard guard(b);
  Operation *function = op->getParentOfType<FunctionOpInterface>();
  b.setInsertionPointToStart(&function->getRegion(0).front());
  StepReader constants{b, op->getLoc(), {}};
  return LLVM::AllocaOp::create(b, op->getLoc(), constants.pointer(), type,
                                constants.constant(1));
}

/// An array of 8-byte values in the function's frame; its address.
Value spill(Operation *op, StepReader step, ArrayRef<Value> values) {
  auto i64 = step.b.getI64Type();
  auto array = LLVM::LLVMArrayType::get(i64, values.size());
  Value frame = inEntryBlock(op, array, step.b);
  for (auto [i, value] : llvm::enumerate(values)) {
    Value address =
        LLVM::GEPOp::create(step.b, step.loc, step.pointer(), i64, frame,
                            ArrayRef<LLVM::GEPArg>{int32_t(i)});
    LLVM::StoreOp::create(step.b, step.loc, value, address);
  }
  return frame;
}

/// A function of the runtime's table.
Value service(StepReader step, Value services, size_t offset) {
  Value address = LLVM::GEPOp::create(step.b, step.loc, step.pointer(),
                                      step.b.getI8Type(), services,
                                      ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  return LLVM::LoadOp::create(step.b, step.loc, step.pointer(), address);
}

/// The descriptor of a contiguous memref at `base`; `sizes` fills the dynamic
/// dimensions in order.
Value describe(OpBuilder &b, Location loc, const LLVMTypeConverter &converter,
               MemRefType type, Value base, ValueRange sizes) {
  auto descriptor = MemRefDescriptor::poison(b, loc,
                                             converter.convertType(type));
  descriptor.setAllocatedPtr(b, loc, base);
  descriptor.setAlignedPtr(b, loc, base);
  descriptor.setConstantOffset(b, loc, 0);
  StepReader constants{b, loc, base};
  Value stride = constants.constant(1);
  size_t dynamic = llvm::count_if(type.getShape(), ShapedType::isDynamic);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    Value size = type.isDynamicDim(i) ? sizes[--dynamic]
                                      : constants.constant(type.getDimSize(i));
    descriptor.setSize(b, loc, i, size);
    descriptor.setStride(b, loc, i, stride);
    if (i > 0)
      stride = LLVM::MulOp::create(b, loc, stride, size);
  }
  return descriptor;
}

struct LowerArenaView : ConvertOpToLLVMPattern<ArenaViewOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(ArenaViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &b) const override {
    StepReader step{b, op.getLoc(), adaptor.getStep()};
    Value arena = step.read(BRAID_STEP_FIELD(arena));
    Value offset = LLVM::MulOp::create(b, op.getLoc(),
                                       step.read(BRAID_STEP_FIELD(rows)),
                                       step.constant(op.getPerRow()));
    offset = LLVM::AddOp::create(b, op.getLoc(), offset,
                                 step.constant(op.getFixed()));
    Value base = LLVM::GEPOp::create(b, op.getLoc(), step.pointer(),
                                     b.getI8Type(), arena,
                                     ArrayRef<LLVM::GEPArg>{offset});
    b.replaceOp(op, describe(b, op.getLoc(), *getTypeConverter(),
                             cast<MemRefType>(op.getType()), base,
                             adaptor.getSizes()));
    return success();
  }
};

struct LowerWeightView : ConvertOpToLLVMPattern<WeightViewOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(WeightViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &b) const override {
    StepReader step{b, op.getLoc(), adaptor.getStep()};
    Value index = LLVM::AddOp::create(b, op.getLoc(), adaptor.getLayer(),
                                      step.constant(op.getBase()));
    Value base = step.entry(step.read(BRAID_STEP_FIELD(weights)), index);
    b.replaceOp(op, describe(b, op.getLoc(), *getTypeConverter(),
                             cast<MemRefType>(op.getType()), base, {}));
    return success();
  }
};

struct LowerStepView : ConvertOpToLLVMPattern<StepViewOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(StepViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &b) const override {
    StepReader step{b, op.getLoc(), adaptor.getStep()};
    auto [base, sizes] = locate(op, step);
    b.replaceOp(op, describe(b, op.getLoc(), *getTypeConverter(),
                             cast<MemRefType>(op.getType()), base, sizes));
    return success();
  }

  /// The buffer's address, and its dynamic sizes in order.
  static std::pair<Value, SmallVector<Value>> locate(StepViewOp op,
                                                     StepReader step) {
    switch (*symbolizeStepArgument(op.getField())) {
    case StepArgument::Ids:
      return {step.read(BRAID_STEP_FIELD(ids)), {step.read(BRAID_STEP_FIELD(rows))}};
    case StepArgument::OutputRows:
      return {step.read(BRAID_STEP_FIELD(output_rows)),
              {step.read(BRAID_STEP_FIELD(outputs))}};
    case StepArgument::Temperatures:
      return {step.read(BRAID_STEP_FIELD(temperatures)),
              {step.read(BRAID_STEP_FIELD(outputs))}};
    case StepArgument::Keys:
      return {step.read(BRAID_STEP_FIELD(keys)),
              {step.read(BRAID_STEP_FIELD(outputs))}};
    case StepArgument::Chosen:
      return {step.read(BRAID_STEP_FIELD(chosen)),
              {step.read(BRAID_STEP_FIELD(outputs))}};
    case StepArgument::Logits:
      return {step.read(BRAID_STEP_FIELD(logits)), {step.read(BRAID_STEP_FIELD(outputs))}};
    case StepArgument::Hidden:
      return {step.read(BRAID_STEP_FIELD(hidden)),
              {step.read(BRAID_STEP_FIELD(taps)), step.read(BRAID_STEP_FIELD(rows))}};
    case StepArgument::Pool:
      return {step.entry(step.read(BRAID_STEP_FIELD(pools)),
                         step.constant(*op.getPool())),
              {step.read(BRAID_STEP_FIELD(slots)), step.read(BRAID_STEP_FIELD(context))}};
    case StepArgument::Batch:
      break;
    }
    llvm_unreachable("the verifier lets no other field through");
  }
};

/// A `braid_tensor_map` on the stack.
struct LowerTensorMap : ConvertOpToLLVMPattern<TensorMapOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(TensorMapOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &b) const override {
    constexpr int64_t kBytes = 2;
    Location loc = op.getLoc();
    MemRefDescriptor source(adaptor.getSource());
    StepReader step{b, loc, {}};
    MemRefType type = op.getSource().getType();
    Value data = LLVM::GEPOp::create(
        b, loc, step.pointer(), getTypeConverter()->convertType(type.getElementType()),
        source.alignedPtr(b, loc), source.offset(b, loc));
    Value rowBytes = LLVM::MulOp::create(b, loc, source.stride(b, loc, 0),
                                         step.constant(kBytes));
    b.replaceOp(op, spill(op, step,
                          {data, source.size(b, loc, 0), source.size(b, loc, 1),
                           rowBytes, step.constant(op.getRows())}));
    return success();
  }
};

/// Captures travel in a structure on the stack; a thunk unpacks them:
///   void thunk(captures, lo, hi, scratch) { body(captures..., lo, hi, scratch) }
struct LowerDispatch : ConvertOpToLLVMPattern<DispatchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(DispatchOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    SmallVector<Type> fields(adaptor.getCaptures().getTypes());
    auto structure = LLVM::LLVMStructType::getLiteral(context, fields);
    std::string thunk = (op.getBody() + "_thunk").str();
    buildThunk(op, thunk, structure, b);

    StepReader step{b, loc, adaptor.getStep()};
    Value captures = inEntryBlock(op, structure, b);
    for (auto [i, value] : llvm::enumerate(adaptor.getCaptures())) {
      Value address = LLVM::GEPOp::create(
          b, loc, step.pointer(), structure, captures,
          ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, loc, value, address);
    }
    Value services = step.read(BRAID_STEP_FIELD(services));
    Value function =
        service(step, services, offsetof(braid_services, parallel_for));
    Value body = LLVM::AddressOfOp::create(b, loc, step.pointer(), thunk);
    Type i64 = b.getI64Type(), pointer = step.pointer();
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(context),
        {pointer, pointer, pointer, i64, i64, i64});
    SmallVector<Value> arguments = {
        function, services, body, captures, adaptor.getN(),
        step.constant(op.getGrain()), step.constant(op.getKernel())};
    LLVM::CallOp::create(b, loc, type, arguments);
    b.eraseOp(op);
    return success();
  }

  void buildThunk(DispatchOp op, StringRef name,
                  LLVM::LLVMStructType structure, OpBuilder &b) const {
    OpBuilder::InsertionGuard guard(b);
    auto module = op->getParentOfType<ModuleOp>();
    b.setInsertionPointToEnd(module.getBody());
    MLIRContext *context = op.getContext();
    Location loc = op.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
    auto thunk = LLVM::LLVMFuncOp::create(
        b, loc, name,
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                    {pointer, i64, i64, pointer}),
        LLVM::Linkage::Internal);
    Block *entry = thunk.addEntryBlock(b);
    b.setInsertionPointToStart(entry);
    SmallVector<Value> arguments;
    for (auto [i, type] : llvm::enumerate(structure.getBody())) {
      Value address = LLVM::GEPOp::create(
          b, loc, pointer, structure, entry->getArgument(0),
          ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      Value value = LLVM::LoadOp::create(b, loc, type, address);
      Type original = op.getCaptures()[i].getType();
      if (isa<MemRefType>(original))
        MemRefDescriptor::unpack(b, loc, value, cast<MemRefType>(original),
                                 arguments);
      else
        arguments.push_back(value);
    }
    arguments.push_back(entry->getArgument(1));
    arguments.push_back(entry->getArgument(2));
    auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    StepReader constants{b, loc, {}};
    Value scratch = describe(b, loc, *getTypeConverter(), bytes,
                             entry->getArgument(3), {constants.constant(0)});
    MemRefDescriptor::unpack(b, loc, scratch, bytes, arguments);
    LLVM::CallOp::create(b, loc, TypeRange(), op.getBody(), arguments);
    LLVM::ReturnOp::create(b, loc, ValueRange());
  }
};

/// A launch is described by a `braid_launch` on the stack and handed to the
/// runtime, which knows the kernel by its number in the target's module.
struct LowerLaunch : ConvertOpToLLVMPattern<gpu::LaunchFuncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(gpu::LaunchFuncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    // The context comes first: it is the parameter of all host functions.
    Operation *function = op->getParentOfType<FunctionOpInterface>();
    Value context = b.getRemappedValue(function->getRegion(0).getArgument(0));
    StepReader step{b, loc, context};
    SmallVector<Value> values, extents;
    for (auto [original, lowered] :
         llvm::zip(op.getKernelOperands(), adaptor.getKernelOperands()))
      if (failed(addParameters(op, step, original.getType(), lowered, values,
                               extents)))
        return failure();
    gpu::KernelDim3 grid = op.getGridSizeOperandValues();
    SmallVector<Value> fields = {step.constant(numberOf(op)),
                                 b.getRemappedValue(grid.x),
                                 b.getRemappedValue(grid.y),
                                 b.getRemappedValue(grid.z),
                                 step.constant(values.size())};
    fields.push_back(spill(op, step, values));
    fields.push_back(spill(op, step, extents));
    Value launch = spill(op, step, fields);
    Value services = step.read(BRAID_STEP_FIELD(services));
    Value call = service(step, services, offsetof(braid_services, launch));
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(getContext()),
        {step.pointer(), step.pointer()});
    LLVM::CallOp::create(b, loc, type, ValueRange{call, services, launch});
    b.eraseOp(op);
    return success();
  }

  /// Appends what the kernel gets for one operand, and the extent of each
  /// value (-1 where there is none).
  LogicalResult addParameters(gpu::LaunchFuncOp op, StepReader step, Type type,
                              Value lowered, SmallVector<Value> &values,
                              SmallVector<Value> &extents) const {
    if (isa<ContextType, BatchType>(type)) {
      values.push_back(step.read(BRAID_STEP_FIELD(device)));
      extents.push_back(step.constant(sizeof(braid_step)));
    } else if (auto buffer = dyn_cast<MemRefType>(type)) {
      values.append(packBuffer(step.b, step.loc, buffer, lowered));
      extents.push_back(extentOf(step.b, step.loc, buffer, lowered));
    } else if (isa<TensorMapType>(type)) {
      values.push_back(lowered);
      extents.push_back(step.constant(BRAID_TENSOR_MAP));
    } else if (isa<IndexType>(type)) {
      values.push_back(lowered);
    } else {
      return op.emitOpError("cannot pass a value of type ") << type;
    }
    while (extents.size() < values.size())
      extents.push_back(step.constant(-1));
    return success();
  }

  /// The function's place in the module of its target.
  static int64_t numberOf(gpu::LaunchFuncOp op) {
    auto module = op->getParentOfType<ModuleOp>();
    auto target = module.lookupSymbol<gpu::GPUModuleOp>(
        op.getKernelModuleName());
    int64_t number = 0;
    for (auto function : target.getOps<LLVM::LLVMFuncOp>()) {
      if (function.getSymNameAttr() == op.getKernelName())
        return number;
      number += function->hasAttr(kKernelAttr);
    }
    llvm_unreachable("a launch names a function that exists");
  }
};

class HostToRuntime : public braid::impl::HostToRuntimeBase<HostToRuntime> {
  void runOnOperation() override;
  void wrapPrepare(func::FuncOp prepare, const LLVMTypeConverter &converter);
  LogicalResult simplifyVectors();
};

} // namespace

/// `@step` takes just the step: it is what the artefact exports, once for the
/// CPU and once for each GPU target.
static void exportStep(func::FuncOp step) {
  step.setSymName(("braid_" + step.getSymName()).str());
  step.setPublic();
}

static bool isStep(func::FuncOp function) {
  auto target = function->getAttrOfType<StringAttr>(kTargetAttr);
  return function.getSymName() ==
         (target ? "step_" + target.str() : std::string("step"));
}

/// Calls the runtime where the builder stands in a step.
static void announceLayer(OpBuilder &b, Location loc, func::FuncOp function,
                          int64_t layer) {
  StepReader step{b, loc, {}};
  step.step = UnrealizedConversionCastOp::create(
                  b, loc, TypeRange{step.pointer()},
                  ValueRange{function.getArgument(0)})
                  .getResult(0);
  Value services = step.read(BRAID_STEP_FIELD(services));
  Value call = service(step, services, offsetof(braid_services, layer));
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()),
      {step.pointer(), b.getI64Type()});
  LLVM::CallOp::create(b, loc, type,
                       ValueRange{call, services, step.constant(layer)});
}

/// A message about a launch can then name its layer. The step calls one block
/// function a layer, in their order, and kernels before and after.
static void announceLayers(func::FuncOp step) {
  SmallVector<func::CallOp> blocks;
  auto module = step->getParentOfType<ModuleOp>();
  for (auto call : step.getOps<func::CallOp>())
    if (!module.lookupSymbol(call.getCallee())->hasAttr(kKernelAttr))
      blocks.push_back(call);
  OpBuilder b(step.getContext());
  for (auto [layer, call] : llvm::enumerate(blocks)) {
    b.setInsertionPoint(call);
    announceLayer(b, call.getLoc(), step, layer);
  }
  if (blocks.empty())
    return;
  b.setInsertionPointAfter(blocks.back());
  announceLayer(b, step.getLoc(), step, -1);
}

/// void NAME(const void *const *sources, void *dest).
void HostToRuntime::wrapPrepare(func::FuncOp prepare,
                                const LLVMTypeConverter &converter) {
  OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
  Location loc = prepare.getLoc();
  MLIRContext *context = &getContext();
  Type pointer = LLVM::LLVMPointerType::get(context);
  std::string name = prepare.getSymName().str();
  prepare.setSymName(name + "_impl");
  prepare.setPrivate();
  auto wrapper = LLVM::LLVMFuncOp::create(
      b, loc, name,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                  {pointer, pointer}));
  Block *entry = wrapper.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  StepReader reader{b, loc, {}};
  SmallVector<Value> arguments;
  ArrayRef<Type> types = prepare.getArgumentTypes();
  for (auto [i, type] : llvm::enumerate(types)) {
    bool last = i + 1 == types.size();
    Value base = last ? entry->getArgument(1)
                      : reader.entry(entry->getArgument(0), reader.constant(i));
    auto memref = cast<MemRefType>(type);
    MemRefDescriptor::unpack(b, loc,
                             describe(b, loc, converter, memref, base, {}),
                             memref, arguments);
  }
  LLVM::CallOp::create(b, loc, TypeRange(), prepare.getSymName(), arguments);
  LLVM::ReturnOp::create(b, loc, ValueRange());
}

/// Vector ops that LLVM has no form for, and strided views, in simpler ones.
LogicalResult HostToRuntime::simplifyVectors() {
  RewritePatternSet patterns(&getContext());
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorBitCastLoweringPatterns(patterns);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  memref::populateExpandStridedMetadataPatterns(patterns);
  FrozenRewritePatternSet frozen(std::move(patterns));
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (failed(applyPatternsGreedily(function, frozen)))
      return failure();
  return success();
}

void HostToRuntime::runOnOperation() {
  ModuleOp module = getOperation();
  MLIRContext *context = &getContext();
  if (failed(simplifyVectors()))
    return signalPassFailure();

  LowerToLLVMOptions options(context);
  LLVMTypeConverter converter(context, options);
  Type pointer = LLVM::LLVMPointerType::get(context);
  converter.addConversion([=](ContextType) { return pointer; });
  converter.addConversion([=](BatchType) { return pointer; });
  converter.addConversion([=](TensorMapType) { return pointer; });

  SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
  for (func::FuncOp function : functions) {
    // A kernel stays a function: profilers show it, and a small one is not
    // copied to each of its calls.
    if (function->hasAttr(kKernelAttr))
      function->setAttr("passthrough",
                        ArrayAttr::get(context, StringAttr::get(context, "noinline")));
    if (isStep(function)) {
      if (function->hasAttr(kTargetAttr))
        announceLayers(function);
      exportStep(function);
    }
    if (function->hasAttr("braid.prepare"))
      wrapPrepare(function, converter);
  }

  RewritePatternSet patterns(context);
  patterns.add<LowerArenaView, LowerDispatch, LowerLaunch, LowerStepView,
               LowerTensorMap,
               LowerWeightView>(
      converter);
  populateAffineToStdConversionPatterns(patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  index::populateIndexToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns);
  populateFuncToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateX86VectorLegalizeForLLVMExportPatterns(converter, patterns);

  LLVMConversionTarget target(*context);
  target.addLegalOp<ModuleOp>();
  // Declarations for the manifest; nothing reads them any more.
  target.addLegalOp<ParamsOp, WeightOp>();
  // Device code is lowered already.
  target.addLegalOp<gpu::GPUModuleOp>();
  target.markOpRecursivelyLegal<gpu::GPUModuleOp>();
  configureX86VectorLegalizeForExportTarget(target);
  if (failed(applyFullConversion(module, target, std::move(patterns))))
    signalPassFailure();
}
