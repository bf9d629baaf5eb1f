//===- ModelConfig.h - a config.json, read once ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that a config.json says about the computation, with every spelling
// and default resolved. Nothing after this reads the JSON again.
//===----------------------------------------------------------------------===//
#ifndef BRAID_IMPORT_MODELCONFIG_H
#define BRAID_IMPORT_MODELCONFIG_H

#include "braid/Import/QuantMap.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace braid {

enum class BlockKind { Mamba, Attention, Mlp, Moe };

/// The letter of a layer pattern: M * - E.
char letterOf(BlockKind kind);

/// One layer: its kind and the sizes that may differ between layers.
struct LayerConfig {
  BlockKind kind;
  int64_t intermediate = 0;       ///< Mlp: F.
  int64_t expertIntermediate = 0; ///< Moe: I.
  int64_t experts = 0;            ///< Moe: E.
  int64_t topK = 0;               ///< Moe: k.
};

/// Names follow the literature: H hidden, nh heads, P head dim, G groups,
/// N state.
struct ModelConfig {
  std::string file; ///< The config.json that was read; begins messages.
  std::string modelType;
  /// Stored dtype of tensors that are not quantised, as config.json says it:
  /// BF16, F16 or F32. A checkpoint may differ tensor by tensor.
  std::string dtype = "BF16";
  std::vector<LayerConfig> layers;
  int64_t vocab = 0, hidden = 0, context = 0;
  double normEps = 1e-5;
  bool tiedEmbeddings = false;
  // Attention. softmax scale is headDim^-0.5; no positions.
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  bool attentionBias = false;
  // Mamba-2.
  int64_t mambaHeads = 0, mambaHeadDim = 0, groups = 0, state = 0, conv = 4;
  int64_t chunk = 128;
  bool convBias = true, projBias = false;
  /// The run-time clamp of dt; limits of 1e20 and more are read as infinite.
  double dtMin = 0.0;
  double dtMax = std::numeric_limits<double>::infinity();
  std::string ssmCacheDtype = "float32"; ///< float32, float16 or bfloat16.
  // Feed-forward.
  bool mlpBias = false;
  int64_t sharedIntermediate = 0; ///< S; 0: no shared expert.
  int64_t latent = 0;             ///< 0: experts work on the full width.
  int64_t routeGroups = 1, routeTopGroups = 1;
  bool normTopK = true;
  double routedScale = 1.0;
  // Draft layers (not compiled; counted by `plan`).
  std::vector<LayerConfig> mtpLayers;
  int64_t mtpDepth = 0;
  /// Formats of the quantised linear layers.
  QuantMap quant;
  // Generation: union of config.json and generation_config.json.
  std::vector<int64_t> eos;
  int64_t bos = -1, pad = -1;
  /// Keys of the file that nothing reads; for --verbose.
  std::vector<std::string> unknownKeys;
  /// Contradictions that have a defined answer, one line each.
  std::vector<std::string> notes;
  /// Understood, so that `plan` can count it, but not compiled: one error line
  /// each. Empty for a model that can be compiled.
  std::vector<std::string> unsupported;

  int64_t innerWidth() const { return mambaHeads * mambaHeadDim; }
  int64_t convWidth() const { return innerWidth() + 2 * groups * state; }
  int64_t inProjRows() const { return innerWidth() + convWidth() + mambaHeads; }
  int64_t expertWidth() const { return latent ? latent : hidden; }
  /// The layers as a pattern string: M * - E.
  std::string pattern() const;
  /// Format of the weight of the linear layer `module`, under any prefix.
  WeightFormat formatOf(std::string_view module) const {
    return quant.formatOf(module);
  }
};

/// Reads `path` (a directory, or a config.json), and the generation_config.json
/// and hf_quant_config.json beside it where they exist. Throws rt::Error.
ModelConfig readModelConfig(const std::string &path);

/// Throws rt::Error with the first line of `config.unsupported`, if any.
void requireCompilable(const ModelConfig &config);

} // namespace braid

#endif // BRAID_IMPORT_MODELCONFIG_H
