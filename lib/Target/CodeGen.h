//===- CodeGen.h - what code for CPUs and GPUs is made with (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TARGET_CODEGEN_H
#define BRAID_LIB_TARGET_CODEGEN_H

#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

namespace braid {

/// LLVM's target of a triple. Throws rt::Error if LLVM was built without it.
const llvm::Target *findTarget(const char *triple);

/// Runs LLVM's own pipeline of a level.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              llvm::OptimizationLevel level,
              llvm::PipelineTuningOptions tuning = {});

} // namespace braid

#endif // BRAID_LIB_TARGET_CODEGEN_H
