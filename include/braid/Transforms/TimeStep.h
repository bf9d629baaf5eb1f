//===- TimeStep.h - the length of a scan's step
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_TIMESTEP_H
#define BRAID_TRANSFORMS_TIMESTEP_H

#include "braid/Dialect/Braid.h"
#include "braid/Transforms/LoopBuilder.h"

namespace braid {

/// d = clamp(softplus(dt + dt_bias), dt_min, dt_max) of a row and head.
mlir::Value timeStep(LoopBuilder &b, SsdScanOp op, mlir::Value row,
                     mlir::Value head);

} // namespace braid

#endif // BRAID_TRANSFORMS_TIMESTEP_H
