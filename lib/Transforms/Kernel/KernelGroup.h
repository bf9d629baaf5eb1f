//===- KernelGroup.h - which compute ops are one kernel (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_KERNEL_KERNELGROUP_H
#define BRAID_LIB_TRANSFORMS_KERNEL_KERNELGROUP_H

#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace braid {

/// Consecutive ops of a block, and why those that have others for company do.
struct KernelGroup {
  llvm::ArrayRef<mlir::Operation *> ops;
  llvm::SmallVector<std::string> reasons;
};

/// The first ops of `ops`, which are all of a block's in order:
/// * contractions of one input, or experts and one contraction more, that do not
///   read or write what another one writes: these may run in any order;
/// * a norm, or the sum over experts, and the contractions whose input it is; the
///   sum also if one contraction adds it to its outputs, and nothing else uses it;
/// * one contraction, with or without its norm, and the convolution of its
///   columns;
/// * the choice of experts and the sorting by what was chosen.
KernelGroup takeGroup(llvm::ArrayRef<mlir::Operation *> ops);

/// What takes a kernel's time: its last contraction, or else its last op. Null
/// without ops.
mlir::Operation *mainOp(mlir::func::FuncOp kernel);

/// "mixer.in_proj" -> in_proj: what an op is called in names of kernels.
std::string partName(mlir::Operation *op);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_KERNEL_KERNELGROUP_H
