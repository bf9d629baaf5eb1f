//===- Golden.h - the reference logits of a compilation
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_GOLDEN_H
#define BRAID_TOOLS_GOLDEN_H

#include "braid/Target/Bundle.h"

namespace braid {

struct GoldenJob {
  mlir::ModuleOp kernels;   ///< Kernel phase; consumed.
  BundleOptions bundle;     ///< Of the artefact.
  std::string artifact;     ///< Sealed.
  std::string weights;      ///< The packed file, or the checkpoint's folder.
  std::string headerSha256; ///< Of the packed file; empty if there is none.
  int threads;              ///< To run both with.
};

/// Bytes to reserve in the artefact of `module`; 0 if its context is too short
/// for golden sequences.
uint64_t goldenBytesFor(mlir::ModuleOp module);

/// Compiles the kernels with the reference schedule to `scratch`, which the
/// caller removes, runs the golden sequences with it, and compares the
/// artefact's results. Reads the artefact's own weights: they are not packed
/// twice. Returns the bytes for the artefact's section; `detail` receives a
/// few words about the agreement. Throws rt::Error if there is none.
std::string makeGolden(GoldenJob job, const std::string &scratch,
                       std::string &detail);

} // namespace braid

#endif // BRAID_TOOLS_GOLDEN_H
