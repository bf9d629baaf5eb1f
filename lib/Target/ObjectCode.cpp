//===- ObjectCode.cpp - from bitcode to an object file
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ObjectCode.h"
#include "CodeGen.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LegacyPassManager.h"

using namespace braid;

static constexpr const char *kTriple = "x86_64-unknown-linux-gnu";

static std::unique_ptr<llvm::TargetMachine>
createMachine(const TargetSpec &spec) {
  static const llvm::Target *target = findTarget(kTriple);
  llvm::TargetOptions codegen;
  codegen.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      llvm::Triple(kTriple), spec.cpu, spec.attributes, codegen,
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

void braid::setTarget(llvm::Module &module, const TargetSpec &target) {
  auto machine = createMachine(target);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
}

ObjectCode braid::generateObject(const Bitcode &bitcode,
                                 const TargetSpec &target) {
  auto machine = createMachine(target);
  llvm::LLVMContext context;
  auto module = llvm::cantFail(llvm::parseBitcodeFile(
      {{bitcode.data(), bitcode.size()}, "shard"}, context));
  // Kernels are vectors already; guessing at the rest only costs time.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false;
  optimize(*module, *machine, llvm::OptimizationLevel::O2, tuning);
  ObjectCode object;
  llvm::raw_svector_ostream out(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    llvm_unreachable("the x86 target emits object files");
  passes.run(*module);
  return object;
}
