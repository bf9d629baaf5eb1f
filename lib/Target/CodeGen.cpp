//===- CodeGen.cpp - what code for CPUs and GPUs is made with
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CodeGen.h"
#include "braid-rt/error.h"
#include "llvm/Support/TargetSelect.h"

using namespace braid;

const llvm::Target *braid::findTarget(const char *triple) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  std::string error;
  if (auto *target =
          llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), error))
    return target;
  throw rt::Error(std::string("cannot generate code for ") + triple + ": " +
                      error,
                  "this LLVM was built without that target");
}

void braid::optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     llvm::OptimizationLevel level,
                     llvm::PipelineTuningOptions tuning) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(level).run(module, modules);
}
