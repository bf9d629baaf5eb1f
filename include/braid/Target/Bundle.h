//===- Bundle.h - the artefact: manifest, object code, sections
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TARGET_BUNDLE_H
#define BRAID_TARGET_BUNDLE_H

#include "braid/Target/NVPTX.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"
#include <string>

namespace braid {

/// What the artefact tells beside the module's own attributes.
struct BundleOptions {
  TargetSpec target;
  std::string weightsMode = "pack"; ///< pack, link or none.
  std::string sourceDir;            ///< For link: relative to the artefact,
  std::string sourceSha256;         ///< and rt::Checkpoint::headerHash().
  uint64_t goldenBytes = 0; ///< Room for golden logits, which come later.
  std::string tokenizer;    ///< Text of tokenizer.json, may be empty.
  bool chatTemplate = false;
  bool addBos = false;
  std::vector<DeviceCode> deviceCode;
};

/// What the importer wrote down of the model, for the manifest. Throws
/// rt::Error if a dump was edited so that it is not there.
llvm::json::Object metadataOf(mlir::ModuleOp module);

/// The manifest (docs/Bundle.md) of a module in the device phase. The hash of
/// the weights' header is a placeholder of zeros, for `sealArtifact` to fill.
std::string writeManifest(mlir::ModuleOp module, const BundleOptions &options);

/// Lowers a device-phase module to an unsealed artefact at `path`, which is
/// written as a whole or not at all. Throws rt::Error.
void writeArtifact(mlir::ModuleOp module, const BundleOptions &options,
                   const std::string &path);

} // namespace braid

#endif // BRAID_TARGET_BUNDLE_H
