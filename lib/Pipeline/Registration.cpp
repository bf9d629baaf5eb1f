//===- Registration.cpp - dialects, interfaces and named pipelines
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Dialect/Braid.h"
#include "braid/Pipeline/Pipeline.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

using namespace mlir;
using namespace braid;

void braid::registerDialects(DialectRegistry &registry) {
  registry.insert<BraidDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, cf::ControlFlowDialect,
                  func::FuncDialect, gpu::GPUDialect, index::IndexDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, NVVM::NVVMDialect, math::MathDialect, memref::MemRefDialect,
                  scf::SCFDialect, tensor::TensorDialect, ub::UBDialect,
                  vector::VectorDialect, x86vector::X86VectorDialect>();
  registerBufferizableOpInterface(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  registerAllToLLVMIRTranslations(registry);
}

namespace {
/// The options of a named pipeline, as text.
struct TextOptions : PassPipelineOptions<TextOptions> {
  Option<std::string> isa{*this, "isa", llvm::cl::desc("ISA level"),
                          llvm::cl::init("x86-64-v3")};
  Option<bool> reference{*this, "reference",
                         llvm::cl::desc("the obvious loops"),
                         llvm::cl::init(false)};
  ListOption<std::string> gpus{*this, "gpus",
                               llvm::cl::desc("GPU targets beside the CPU")};
  Option<bool> simulate{*this, "simulate",
                        llvm::cl::desc("also code for the simulator"),
                        llvm::cl::init(false)};

  PipelineOptions get() const {
    return {isa, reference, {gpus.begin(), gpus.end()}, simulate};
  }
};
} // namespace

void braid::registerPipelines() {
  PassPipelineRegistration<TextOptions>(
      "braid-kernel-phase", "model phase to kernel phase",
      [](OpPassManager &pm, const TextOptions &options) {
        buildKernelPhase(pm, options.get());
      });
  PassPipelineRegistration<TextOptions>(
      "braid-device-phase", "kernel phase to device phase",
      [](OpPassManager &pm, const TextOptions &options) {
        buildDevicePhase(pm, options.get());
      });
}
