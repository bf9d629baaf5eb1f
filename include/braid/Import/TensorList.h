//===- TensorList.h - the tensors a config promises -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every name, shape and dtype is compared with the checkpoint's headers before
// anything is compiled.
//===----------------------------------------------------------------------===//
#ifndef BRAID_IMPORT_TENSORLIST_H
#define BRAID_IMPORT_TENSORLIST_H

#include "braid-rt/checkpoint.h"
#include "braid/Import/ModelConfig.h"

namespace braid {

/// How one checkpoint spells its names.
struct CheckpointNames {
  /// Before "layers.": "backbone." or "model.", maybe after "language_model.".
  std::string prefix = "backbone.";
  std::string embedding = "backbone.embeddings.weight";
  std::string finalNorm = "backbone.norm_f.weight";
  /// The module: + ".weight", ".weight_scale". Of a tied model the embedding
  /// without its ".weight".
  std::string head = "lm_head";
  /// One tensor [E, N, K] "mixer.experts.up_proj" in place of E tensors
  /// "mixer.experts.K.up_proj.weight".
  bool stackedExperts = false;

  /// "backbone.layers.7."
  std::string layer(size_t index) const {
    return prefix + "layers." + std::to_string(index) + ".";
  }
};

/// Looks at which names are there. Throws rt::Error if none of the known
/// spellings is.
CheckpointNames detectNames(const ModelConfig &config,
                            const rt::Checkpoint &checkpoint);

/// A tensor the config promises.
struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape; ///< Of a scalar: empty; [1] is accepted too.
  /// What is allowed: "F32", "U8", "F8_E4M3", "F8_E8M0", or "BF16|F16|F32".
  const char *dtypes;
};

/// All of them, in the order of the layers. `names` decides the spelling.
std::vector<ExpectedTensor> expectedTensors(const ModelConfig &config,
                                            const CheckpointNames &names);

/// The result of comparing.
struct TensorCheck {
  CheckpointNames names;
  /// One line each: tensor, expected, found, file. At most `maxProblems`, then
  /// a line that counts the rest. Empty: everything is there.
  std::vector<std::string> problems;
  uint64_t usedTensors = 0, usedBytes = 0;
  /// Known, but not compiled: draft layers, KV and input scales, other towers.
  uint64_t ignoredTensors = 0, ignoredBytes = 0;
  /// "ignored: mtp.* (28 tensors, 1234 bytes), ..."; empty if nothing was.
  std::string ignoredLine;
};

constexpr size_t maxProblems = 20;

/// Throws rt::Error only where names cannot be told at all.
TensorCheck checkTensors(const ModelConfig &config,
                         const rt::Checkpoint &checkpoint);

/// checkTensors, but throws rt::Error with the first problem.
TensorCheck requireTensors(const ModelConfig &config,
                           const rt::Checkpoint &checkpoint);

} // namespace braid

#endif // BRAID_IMPORT_TENSORLIST_H
