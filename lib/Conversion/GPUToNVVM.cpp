//===- GPUToNVVM.cpp - GPU functions in the NVVM and LLVM dialects
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelArguments.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUCommon/GPUCommonPass.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace braid {
#define GEN_PASS_DEF_GPUTONVVM
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// All shared memory of a block. External, so that the assembler puts it behind
/// whatever else lies there, and aligned as swizzled tiles need it: an internal
/// symbol of size 0 would overlap others.
static constexpr StringLiteral kSharedSymbol = "braid_shared";
static constexpr unsigned kSharedSpace = 3;

namespace {

/// The function that a `gpu.func` becomes: flat parameters, then buffers as its
/// body knows them.
struct LowerFunction : ConvertOpToLLVMPattern<gpu::GPUFuncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(gpu::GPUFuncOp op, OpAdaptor,
                  ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    SmallVector<Type> parameters;
    for (Type type : op.getArgumentTypes())
      parameters.append(kernelParameterTypes(type));
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(getContext()), parameters);
    auto function = LLVM::LLVMFuncOp::create(b, loc, op.getName(), type);
    copyAttributes(op, function, b);

    Block *entry = function.addEntryBlock(b);
    b.setInsertionPointToStart(entry);
    SmallVector<Value> arguments;
    ValueRange rest = entry->getArguments();
    for (auto [i, type] : llvm::enumerate(op.getArgumentTypes())) {
      size_t count = kernelParameterTypes(type).size();
      if (DictionaryAttr known = op.getArgAttrDict(i)) // About the pointer.
        function.setArgAttrs(entry->getNumArguments() - rest.size(), known);
      if (isa<TensorMapType>(type))
        function.setArgAttrs(entry->getNumArguments() - rest.size(),
                             tensorMapAttributes(b));
      arguments.push_back(rebuild(b, loc, type, rest.take_front(count)));
      rest = rest.drop_front(count);
    }
    Block &body = op.getBody().front();
    b.inlineRegionBefore(op.getBody(), function.getBody(),
                         function.getBody().end());
    // Block arguments of the body's first block are the rebuilt values.
    b.mergeBlocks(&body, entry, arguments);
    b.eraseOp(op);
    return success();
  }

  /// The map itself is the parameter, where the copies' unit can find it.
  static ArrayRef<NamedAttribute> tensorMapAttributes(Builder &b) {
    constexpr int64_t kBytes = 128, kAlign = 64;
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), kBytes);
    return b
        .getDictionaryAttr(
            {{LLVM::LLVMDialect::getByValAttrName(), TypeAttr::get(type)},
             {NVVM::NVVMDialect::getGridConstantAttrName(), b.getUnitAttr()},
             {LLVM::LLVMDialect::getAlignAttrName(),
              b.getI64IntegerAttr(kAlign)}})
        .getValue();
  }

  Value rebuild(OpBuilder &b, Location loc, Type type,
                ValueRange parameters) const {
    Value value = parameters[0];
    if (auto buffer = dyn_cast<MemRefType>(type))
      value = unpackBuffer(b, loc, *getTypeConverter(), buffer, parameters);
    return UnrealizedConversionCastOp::create(b, loc, TypeRange{type},
                                              ValueRange{value})
        .getResult(0);
  }

  static void copyAttributes(gpu::GPUFuncOp op, LLVM::LLVMFuncOp function,
                             OpBuilder &b) {
    for (StringRef name :
         {StringRef(kKernelAttr), StringRef(kThreadsAttr),
          StringRef(kSharedBytesAttr), StringRef(kStrategyAttr), StringRef(kOpAttr),
          gpu::GPUDialect::getKernelFuncAttrName()})
      if (Attribute value = op->getAttr(name))
        function->setAttr(name, value);
    auto number = [&](StringRef name) -> int32_t {
      auto value = op->getAttrOfType<IntegerAttr>(name);
      return value ? int32_t(value.getInt()) : 1;
    };
    function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                      b.getUnitAttr());
    // Without both of them the assembler takes too few registers and spills.
    function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                      b.getDenseI32ArrayAttr({number(kThreadsAttr), 1, 1}));
    function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                      b.getI32IntegerAttr(number(kBlocksAttr)));
  }
};

struct LowerReturn : ConvertOpToLLVMPattern<gpu::ReturnOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(gpu::ReturnOp op, OpAdaptor,
                  ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<LLVM::ReturnOp>(op, ValueRange());
    return success();
  }
};

struct LowerSharedMemory : ConvertOpToLLVMPattern<gpu::DynamicSharedMemoryOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult
  matchAndRewrite(gpu::DynamicSharedMemoryOp op, OpAdaptor,
                  ConversionPatternRewriter &b) const override {
    Type pointer = LLVM::LLVMPointerType::get(getContext(), kSharedSpace);
    Value base =
        LLVM::AddressOfOp::create(b, op.getLoc(), pointer, kSharedSymbol);
    // Its size is the launch's; no access depends on it.
    Value size = LLVM::ConstantOp::create(b, op.getLoc(), b.getI64Type(),
                                          b.getI64IntegerAttr(0));
    b.replaceOp(op, unpackBuffer(b, op.getLoc(), *getTypeConverter(),
                                 op.getType(), {base, size}));
    return success();
  }
};

class GPUToNVVM : public braid::impl::GPUToNVVMBase<GPUToNVVM> {
  void runOnOperation() override;
  LogicalResult checkParameters();
  LogicalResult simplifyVectors();
  void declareSharedMemory();
};

} // namespace

/// A pattern that fails would leave the function to another one, of MLIR, which
/// knows nothing of our ABI.
LogicalResult GPUToNVVM::checkParameters() {
  for (auto function : getOperation().getOps<gpu::GPUFuncOp>())
    for (Type type : function.getArgumentTypes())
      if (kernelParameterTypes(type).empty())
        return function.emitOpError("cannot be passed a value of type ")
               << type;
  return success();
}

/// Vector ops that LLVM has no form for, and strided views, in simpler ones.
LogicalResult GPUToNVVM::simplifyVectors() {
  RewritePatternSet patterns(&getContext());
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorBitCastLoweringPatterns(patterns);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  memref::populateExpandStridedMetadataPatterns(patterns);
  return applyPatternsGreedily(getOperation(), std::move(patterns));
}

void GPUToNVVM::declareSharedMemory() {
  gpu::GPUModuleOp module = getOperation();
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  LLVM::GlobalOp::create(b, module.getLoc(),
                         LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                         /*isConstant=*/false, LLVM::Linkage::External,
                         kSharedSymbol, Attribute(), /*alignment=*/1024,
                         kSharedSpace);
}

static void addConversions(LLVMTypeConverter &converter) {
  configureGpuToNVVMTypeConverter(converter);
  Type pointer = LLVM::LLVMPointerType::get(&converter.getContext());
  converter.addConversion([=](ContextType) { return pointer; });
  converter.addConversion([=](BatchType) { return pointer; });
  converter.addConversion([=](TensorMapType) { return pointer; });
  // Groups of copies are counted; a token says nothing.
  Type word = IntegerType::get(&converter.getContext(), 32);
  converter.addConversion([=](nvgpu::DeviceAsyncTokenType) { return word; });
}

void GPUToNVVM::runOnOperation() {
  MLIRContext *context = &getContext();
  if (failed(checkParameters()) || failed(simplifyVectors()))
    return signalPassFailure();
  declareSharedMemory();

  LowerToLLVMOptions options(context);
  LLVMTypeConverter converter(context, options);
  addConversions(converter);
  RewritePatternSet patterns(context);
  patterns.add<LowerFunction, LowerReturn, LowerSharedMemory>(converter,
                                                              /*benefit=*/2);
  populateAffineToStdConversionPatterns(patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  index::populateIndexToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns,
                                       /*approximateLog1p=*/false);
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  populateNVGPUToNVVMConversionPatterns(converter, patterns);
  // Last: some of them would call a math library.
  populateGpuToNVVMConversionPatterns(converter, patterns, /*benefit=*/0);

  LLVMConversionTarget target(*context);
  target.addLegalDialect<NVVM::NVVMDialect>();
  target.addLegalOp<gpu::GPUModuleOp>();
  target.addLegalOp<UnrealizedConversionCastOp>();
  if (failed(
          applyFullConversion(getOperation(), target, std::move(patterns))))
    signalPassFailure();
}
