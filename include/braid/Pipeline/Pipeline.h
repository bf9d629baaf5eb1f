//===- Pipeline.h - the compiler as a list of passes
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_PIPELINE_PIPELINE_H
#define BRAID_PIPELINE_PIPELINE_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace braid {

/// The module's phase, as its `braid.phase` attribute says.
enum class Phase { Model, Kernel, Device };

struct PipelineOptions {
  /// ISA level of the CPU code: x86-64-v3, avx512, avx512-bf16.
  std::string isa = "x86-64-v3";
  /// The obvious loops for every kernel, to compare with.
  bool reference = false;
  /// GPU targets beside the CPU: sm_80, sm_90a, ...
  std::vector<std::string> gpus;
  /// Also host functions of the GPU kernels, for the simulator.
  bool simulate = false;
};

/// Model phase -> kernel phase.
void buildKernelPhase(mlir::OpPassManager &pm, const PipelineOptions &options);
/// Kernel phase -> device phase.
void buildDevicePhase(mlir::OpPassManager &pm, const PipelineOptions &options);
/// The end of that, again: the simulator's functions of the GPU's as they are.
void buildSimulation(mlir::OpPassManager &pm, const PipelineOptions &options);
/// Kernel phase -> device phase, every kernel as its op's definition whatever
/// schedule was chosen.
void buildReferencePhase(mlir::OpPassManager &pm,
                         const PipelineOptions &options);

/// Every dialect and interface that a module in any phase may use.
void registerDialects(mlir::DialectRegistry &registry);
/// The pipelines by name, for braid-opt.
void registerPipelines();

} // namespace braid

#endif // BRAID_PIPELINE_PIPELINE_H
