//===- config_fuzzer.cpp - any file as config.json ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is accepted must also be safe to compute with: parameters, bytes, FLOPs
// and the drawing, as `braid plan` does from a config alone.
//===----------------------------------------------------------------------===//
#include "MemoryFile.h"
#include "braid-rt/error.h"
#include "braid/Analysis/Cost.h"
#include "braid/Analysis/LayerMap.h"

using namespace braid;

static void compute(const ModelConfig &config) {
  countParameters(config);
  int64_t weights = weightBytes(config, std::nullopt);
  draftWeightBytes(config);
  StateBytes state = stateBytes(config, 2);
  decodeFlops(config);
  prefillFlops(config);
  stepBytes(config, state, 8, config.context);
  largestContext(config, state, weights, int64_t(1) << 40, 8);
  drawLayerMap(config);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    compute(readModelConfig(MemoryFile(data, size).path()));
  } catch (const rt::Error &) {
  }
  return 0;
}
