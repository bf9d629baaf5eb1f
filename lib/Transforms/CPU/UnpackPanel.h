//===- UnpackPanel.h - coded weights of a panel as pairs of bf16 (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_CPU_UNPACKPANEL_H
#define BRAID_LIB_TRANSFORMS_CPU_UNPACKPANEL_H

#include "Emitters.h"
#include "braid/Dialect/PackedLayout.h"

namespace braid {

/// Decodes the panel `panel` of `weight` ([..., panels, rows, 32 * kp]) into
/// `pairs` ([inputs / 2, 64]), where it lies as a panel of bf16 does.
void unpackPanel(Emitter &b, mlir::Value weight, mlir::ValueRange panel,
                 const PackedLayout &layout, mlir::Value pairs);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_CPU_UNPACKPANEL_H
