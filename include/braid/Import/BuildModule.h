//===- BuildModule.h - a model description becomes a braid module
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_IMPORT_BUILDMODULE_H
#define BRAID_IMPORT_BUILDMODULE_H

#include "braid/Import/ModelConfig.h"
#include "braid/Import/TensorList.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace braid {

namespace rt {
class Checkpoint;
}

/// Activations: BF16 with the rounding points of the model, or F32 throughout.
enum class Precision { BF16, F32 };

/// Builds the model-phase module: one function per block signature, `@step`
/// calling them, the weight tables and the state plan.
/// `checkpoint` gives the stored dtypes and may be null (a config alone): every
/// plain tensor is then BF16, the router's bias F32.
/// REQUIRES: the checkpoint passed `checkTensors`.
mlir::OwningOpRef<mlir::ModuleOp> buildModule(mlir::MLIRContext &context,
                                              const ModelConfig &config,
                                              const CheckpointNames &names,
                                              const rt::Checkpoint *checkpoint,
                                              Precision precision);

} // namespace braid

#endif // BRAID_IMPORT_BUILDMODULE_H
