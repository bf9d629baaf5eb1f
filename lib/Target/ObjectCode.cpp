//===- ObjectCode.cpp - from bitcode to an object file
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ObjectCode.h"
#include "braid-rt/error.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace braid;

static constexpr const char *kTriple = "x86_64-unknown-linux-gnu";

static const llvm::Target *findTarget() {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  std::string error;
  llvm::Triple triple(kTriple);
  if (auto *target = llvm::TargetRegistry::lookupTarget(triple, error))
    return target;
  throw rt::Error("cannot generate x86-64 code: " + error);
}

static std::unique_ptr<llvm::TargetMachine>
createMachine(const TargetSpec &spec) {
  static const llvm::Target *target = findTarget();
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

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Kernels are vectors already; guessing at the rest only costs time.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

ObjectCode braid::generateObject(const Bitcode &bitcode,
                                 const TargetSpec &target) {
  auto machine = createMachine(target);
  llvm::LLVMContext context;
  auto module = llvm::cantFail(llvm::parseBitcodeFile(
      {{bitcode.data(), bitcode.size()}, "shard"}, context));
  optimize(*module, *machine);
  ObjectCode object;
  llvm::raw_svector_ostream out(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    llvm_unreachable("the x86 target emits object files");
  passes.run(*module);
  return object;
}
