//===- Braid.h - the braid dialect ----------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_DIALECT_BRAID_H
#define BRAID_DIALECT_BRAID_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace braid::detail {
/// On memrefs a compute op reads its inputs, and reads and writes its inits.
void getComputeEffects(
    mlir::DestinationStyleOpInterface op,
    llvm::SmallVectorImpl<mlir::MemoryEffects::EffectInstance> &effects);
/// Calls results by `names`, which are separated by commas.
void nameResults(mlir::Operation *op, llvm::StringRef names,
                 mlir::OpAsmSetValueNameFn setName);
} // namespace braid::detail

#include "braid/Dialect/BraidDialect.h.inc"
#include "braid/Dialect/BraidEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "braid/Dialect/BraidTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "braid/Dialect/BraidAttrs.h.inc"
#define GET_OP_CLASSES
#include "braid/Dialect/BraidOps.h.inc"

namespace braid {

/// Rows of a packed weight's panel: every packed layout has panels of 32
/// outputs, for every format and ISA level.
inline constexpr int64_t kPanel = 32;

/// Attribute names on modules and functions.
inline constexpr llvm::StringLiteral kPhaseAttr = "braid.phase";
inline constexpr llvm::StringLiteral kPrecisionAttr = "braid.precision";
inline constexpr llvm::StringLiteral kStatePlanAttr = "braid.state_plan";
inline constexpr llvm::StringLiteral kArenaAttr = "braid.arena";
/// On the module: bytes of private memory that its parallel regions want.
inline constexpr llvm::StringLiteral kThreadScratchAttr =
    "braid.thread_scratch";
/// On a kernel function: its ordinal in the manifest's kernel list.
inline constexpr llvm::StringLiteral kKernelAttr = "braid.kernel";
/// On a kernel function, and on those of its ops that want another one.
inline constexpr llvm::StringLiteral kScheduleAttr = "braid.schedule";
/// On a kernel of several ops: for each but one, why it is there.
inline constexpr llvm::StringLiteral kFusedAttr = "braid.fused";
/// What a kernel computes and reads per row (count-work).
inline constexpr llvm::StringLiteral kWorkAttr = "braid.work";
/// On the module: JSON of what the artefact tells beside the code.
inline constexpr llvm::StringLiteral kMetadataAttr = "braid.metadata";

/// On the module: the ISA level that its schedules and code are made for. On a
/// function: the GPU target that this copy of it is for.
inline constexpr llvm::StringLiteral kTargetAttr = "braid.target";
/// On the module: the GPU targets that it has code for.
inline constexpr llvm::StringLiteral kGPUTargetsAttr = "braid.gpu_targets";
/// On the module, if GPU kernels are also to become code for the simulator.
inline constexpr llvm::StringLiteral kWithSimAttr = "braid.with_sim";
/// On a GPU function: threads of a block, bytes of its shared memory. There and
/// on a launch: blocks that a multiprocessor should hold at least.
inline constexpr llvm::StringLiteral kThreadsAttr = "braid.threads";
inline constexpr llvm::StringLiteral kSharedBytesAttr = "braid.shared_bytes";
inline constexpr llvm::StringLiteral kBlocksAttr = "braid.blocks";
/// Of a launch: which of its kernel's independent ops it belongs to.
inline constexpr llvm::StringLiteral kMemberAttr = "braid.member";
/// Of a launch: what its function is called, behind the kernel's name.
inline constexpr llvm::StringLiteral kPartAttr = "braid.part";
/// On a launch and its GPU function: the op it is for, or the last of them.
inline constexpr llvm::StringLiteral kOpAttr = "braid.op";
/// On a launch and its GPU function: the strategy of the schedule.
inline constexpr llvm::StringLiteral kStrategyAttr = "braid.strategy";
/// On a dump: the checkpoint or config.json, relative to the dump's folder.
inline constexpr llvm::StringLiteral kSourceAttr = "braid.source";
/// A module beside the code of a device-phase dump: the same model in the kernel
/// phase, which the reference is compiled from.
inline constexpr llvm::StringLiteral kReferenceModule = "reference";

/// The schedule of a kernel's op: its own, or else its kernel's.
mlir::Attribute scheduleOf(mlir::Operation *op);

/// The buffer that a view, or a view of a view, shows a part of.
mlir::Value bufferOf(mlir::Value view);

/// Registers how braid ops bufferize.
void registerBufferizableOpInterface(mlir::DialectRegistry &registry);

} // namespace braid

#endif // BRAID_DIALECT_BRAID_H
