//===- ConfigParts.h - the parts of reading a config.json -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_IMPORT_HUGGINGFACE_CONFIGPARTS_H
#define BRAID_LIB_IMPORT_HUGGINGFACE_CONFIGPARTS_H

#include "ConfigReader.h"
#include "braid/Import/ModelConfig.h"

namespace braid {

/// Fills `layers`, `mtpLayers` and `mtpDepth`.
void readLayers(const ConfigReader &reader, ModelConfig &config);

/// Fills `quant` from one quantisation object, wherever it was found.
void readQuantMap(const ConfigReader &reader, ModelConfig &config);

} // namespace braid

#endif // BRAID_LIB_IMPORT_HUGGINGFACE_CONFIGPARTS_H
