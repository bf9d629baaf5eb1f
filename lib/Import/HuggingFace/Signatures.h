//===- Signatures.h - layers grouped by kind, shapes and storage (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_IMPORT_SIGNATURES_H
#define BRAID_LIB_IMPORT_SIGNATURES_H

#include "braid/Dialect/Braid.h"
#include "braid/Import/BuildModule.h"

namespace braid {

/// One weight of a block: what `braid.weight` will say. Shape is logical.
struct WeightSpec {
  std::string name;   ///< Symbol inside the signature.
  std::string source; ///< With {L}, {E}; the module's name if quantised.
  std::vector<int64_t> shape;
  StorageKind storage;
  bool stacked = false;
  std::string transform; ///< "" or "neg_exp".
  std::string init;      ///< How synthetic weights fill it.

  bool operator==(const WeightSpec &) const = default;
};

/// All layers of one kind, shapes and storage: one function, one weight table.
struct Signature {
  std::string name; ///< mamba0, attention0, mlp0, moe0, ...
  LayerConfig layer;
  std::vector<WeightSpec> weights;
  std::vector<int64_t> layers; ///< Checkpoint numbers, ascending.
};

/// Where a layer's weights and state are found.
struct LayerPlace {
  size_t signature;
  int64_t instance; ///< Index into the signature's layers.
  int64_t ordinal;  ///< Among all layers of its kind: index into the pools.
};

struct Signatures {
  std::vector<Signature> blocks;
  std::vector<LayerPlace> places; ///< By layer.
  std::vector<WeightSpec> model;  ///< embedding, norm_f, lm_head.
};

/// REQUIRES: the checkpoint, if given, passed `checkTensors`.
Signatures groupLayers(const ModelConfig &config, const CheckpointNames &names,
                       const rt::Checkpoint *checkpoint);

} // namespace braid

#endif // BRAID_LIB_IMPORT_SIGNATURES_H
