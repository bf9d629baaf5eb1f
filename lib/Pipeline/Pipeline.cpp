//===- Pipeline.cpp - every pass, in order, and why it stands there
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Pipeline/Pipeline.h"
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace braid;

//===----------------------------------------------------------------------===//
// Model phase: braid and linalg on tensors. One function per block signature,
// `@step` calling them in order. Weights are encoded as the checkpoint stores
// them; state pools are values.
//===----------------------------------------------------------------------===//

/// Pools and activations become memrefs in place: callers' buffers are passed
/// on unchanged, and results that are arguments disappear.
static void bufferize(OpPassManager &pm) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Self-copies show only after common sizes have been merged.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(bufferization::createDropEquivalentBufferResultsPass());
  pm.addPass(createDropStepResults());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void braid::buildKernelPhase(OpPassManager &pm,
                             const PipelineOptions &options) {
  // Storage is an encoding that bufferization would erase without a word.
  pm.addPass(createMaterializeStorage());
  // Roundings, squares, biases and residual sums move into the contractions.
  pm.addNestedPass<func::FuncOp>(createFuseEpilogue());
  // Projections of one input stand together, as kernels are to take them.
  pm.addNestedPass<func::FuncOp>(createGroupContractions());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // How each weight comes into its layout is code of the same module.
  pm.addPass(createBuildPrepare());
  // A temporary is one op's result, so that it is seen who reads it.
  pm.addNestedPass<func::FuncOp>(createSeparateDestinations());
  // On coarse ops the analysis is quick and what it decides is easy to read.
  bufferize(pm);
  // From here on: memrefs, no tensors. Every compute op becomes a function,
  // equal ones are shared between blocks.
  pm.addPass(createFormKernels());
  // For `braid bench`, while sizes are easy to read.
  pm.addPass(createCountWork());
  // All temporaries get a place in one arena, linear in the step's rows.
  pm.addPass(createPlanArena());
  // A call then passes rows and a layer's number, nothing that never changes:
  // code size hardly grows with the number of layers.
  pm.addPass(createBindStep());
  // All that devices share is done; from here on each GPU target has its copy.
  ForkTargetsOptions fork;
  llvm::append_range(fork.targets, options.gpus);
  pm.addPass(createForkTargets(fork));
  // Choosing a schedule and applying it are two steps: this only writes it.
  ChooseScheduleOptions schedule;
  schedule.isa = options.isa;
  schedule.reference = options.reference;
  pm.addPass(createChooseSchedule(schedule));
  pm.addPass(createVerifyKernelPhase());
}

//===----------------------------------------------------------------------===//
// Kernel phase: block functions call kernels; a kernel is a compute op with a
// schedule, or a few that belong together. State is updated in place, a step allocates nothing, and every size
// is linear in the rows.
//===----------------------------------------------------------------------===//

/// A pass that looks at one function at a time: on those of the host and on
/// kernels, as many at once as there are threads.
static void onFunctions(OpPassManager &pm,
                        llvm::function_ref<std::unique_ptr<Pass>()> create) {
  pm.addNestedPass<func::FuncOp>(create());
  pm.nest<gpu::GPUModuleOp>().nestAny().addPass(create());
}

/// Whether the CPU computes with bf16, or the host's code has to do it by bits.
static bool hasBF16(const PipelineOptions &options) {
  return options.isa == "avx512-bf16";
}

/// Host code as it goes to LLVM: once for the CPU's, once more for what the
/// simulator gets, so that a dump gives the same functions again.
static void finishHostCode(OpPassManager &pm, const PipelineOptions &options) {
  if (!hasBF16(options))
    pm.addPass(createBF16AsBits());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCanonicalizerPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCSEPass());
}

/// Kernels as they go to LLVM. Branches that end alike, as those of a kernel with
/// several outputs do, end in one block.
static void finishKernels(OpPassManager &pm) {
  GreedyRewriteConfig merge;
  merge.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Aggressive);
  OpPassManager &modules = pm.nest<gpu::GPUModuleOp>();
  modules.addPass(createGPUToNVVM());
  modules.addPass(createReconcileUnrealizedCastsPass());
  modules.nestAny().addPass(createCanonicalizerPass(merge));
  modules.nestAny().addPass(createCSEPass());
}

void braid::buildDevicePhase(OpPassManager &pm,
                             const PipelineOptions &options) {
  // Kernels that ask for it become the op's definition: slow, obviously right.
  pm.addPass(createLowerToReference());
  // Each other kernel's op becomes loops over vectors, as its schedule says,
  EmitCPUKernelsOptions emit;
  emit.dotsBF16 = hasBF16(options);
  pm.addPass(createEmitCPUKernels(emit));
  // or grids of threads, which become functions in the module of their target.
  pm.addPass(createEmitGPUKernels());
  // What a kernel has several ops for: their launches become one.
  pm.addNestedPass<func::FuncOp>(createJoinLaunches());
  pm.addPass(createOutlineLaunches());
  onFunctions(pm, [] { return createCanonicalizerPass(); });
  onFunctions(pm, [] { return createCSEPass(); });
  // Before any lowering to LLVM, which would split vectors into libm calls.
  ExpandMathOptions math;
  math.roundsBF16 = hasBF16(options);
  pm.addPass(createExpandMath(math));
  // Parallel regions become functions that the runtime's threads can call.
  pm.addPass(createOutlineParallel());
  onFunctions(pm, [] { return createCanonicalizerPass(); });
  onFunctions(pm, [] { return createLoopInvariantCodeMotionPass(); });
  onFunctions(pm, [] { return createCSEPass(); });
  finishKernels(pm);
  // Device phase: the LLVM dialect, and the weight tables for the manifest.
  pm.addPass(createHostToRuntime());
  pm.addPass(createReconcileUnrealizedCastsPass());
  finishHostCode(pm, options);
  if (options.simulate)
    buildSimulation(pm, options);
}

void braid::buildSimulation(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createNVVMToSim());
  finishHostCode(pm, options);
}

void braid::buildReferencePhase(OpPassManager &pm,
                                const PipelineOptions &options) {
  ChooseScheduleOptions schedule;
  schedule.isa = options.isa;
  schedule.reference = true;
  pm.addPass(createChooseSchedule(schedule));
  buildDevicePhase(pm, options);
}
