//===- ModelParts.h - the weights of a layer, by kind ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place that knows which weights a layer has and their shapes. The
// tensor check expands it to names, the cost model adds it up.
//===----------------------------------------------------------------------===//
#ifndef BRAID_IMPORT_MODELPARTS_H
#define BRAID_IMPORT_MODELPARTS_H

#include "braid/Import/ModelConfig.h"

namespace braid {

/// One weight, or one weight per expert.
struct ModelPart {
  enum Kind {
    Linear, ///< A module with `.weight` [N, K] and maybe `.bias`; quantisable.
    Tensor, ///< A single tensor; its dtype is any float.
    TensorF32, ///< A single tensor that loses its meaning in 16 bits.
  };
  Kind kind;
  /// Below the layer ("mixer.in_proj", "mixer.experts.{E}.up_proj") or the
  /// model ("norm_f.weight"). "{E}" stands for the number of an expert.
  std::string name;
  std::vector<int64_t> shape;
  bool bias = false;
  int64_t copies = 1; ///< Experts; 1 otherwise.
  int64_t active = 1; ///< How many of them one token reads; 0: embeddings.

  /// Of one copy, the bias included.
  int64_t parameters() const;
};

/// The norm before the mixer, then the mixer's weights, in the order of the
/// computation.
std::vector<ModelPart> partsOf(const ModelConfig &config,
                               const LayerConfig &layer);

/// Draft layer `index` of config.mtpLayers, with the projections around it.
std::vector<ModelPart> draftPartsOf(const ModelConfig &config, size_t index);

/// "embeddings.weight" and "norm_f.weight"; "lm_head" unless tied.
std::vector<ModelPart> outerPartsOf(const ModelConfig &config);

/// `name` with "{E}" replaced by `expert`.
std::string expertName(const std::string &name, int64_t expert);

} // namespace braid

#endif // BRAID_IMPORT_MODELPARTS_H
