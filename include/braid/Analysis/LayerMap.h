//===- LayerMap.h - the layers of a model, drawn short --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_ANALYSIS_LAYERMAP_H
#define BRAID_ANALYSIS_LAYERMAP_H

#include "braid/Import/ModelConfig.h"

#include <string>
#include <vector>

namespace braid {

/// `unit`, `times` over.
struct LayerRun {
  std::vector<std::string> unit;
  int64_t times;
};

/// The sequence of repeated units that expands to exactly `layers` and is the
/// easiest to read as `drawLayerMap` writes it: few names, runs and parentheses.
/// Units have up to 64 layers.
std::vector<LayerRun> foldLayers(const std::vector<std::string> &layers);

/// The inverse.
std::vector<std::string> expandLayers(const std::vector<LayerRun> &runs);

/// What each layer is called: "Mamba-2", "Attention", "MLP", "MoE", "Latent
/// MoE"; with its sizes where layers of one kind differ.
std::vector<std::string> layerNames(const ModelConfig &config);

/// One line a run, "(Mamba-2, MoE) x 3, Mamba-2, Attention, MoE  x 5": what is
/// in parentheses is repeated within the unit, and the unit as the end says. A
/// run that is longer than a line goes on in the next, indented.
std::vector<std::string> drawLayerMap(const ModelConfig &config);

} // namespace braid

#endif // BRAID_ANALYSIS_LAYERMAP_H
