//===- Passes.h - creation and registration of every pass -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_PASSES_H
#define BRAID_TRANSFORMS_PASSES_H

#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace braid {
#define GEN_PASS_DECL
#include "braid/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

#endif // BRAID_TRANSFORMS_PASSES_H
