//===- Cost.h - parameters, bytes and FLOPs of a model --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pure arithmetic on a ModelConfig. A FLOP is half a multiply-add.
//===----------------------------------------------------------------------===//
#ifndef BRAID_ANALYSIS_COST_H
#define BRAID_ANALYSIS_COST_H

#include "braid/Import/ModelConfig.h"

#include <optional>

namespace braid {

/// Counts of weights. Draft layers stand apart everywhere.
struct ParameterCount {
  int64_t total = 0;
  /// What one token's computation reads: k experts of each layer, and not the
  /// embedding table, of which it reads one row.
  int64_t active = 0;
  int64_t mtp = 0;
};
ParameterCount countParameters(const ModelConfig &config);

/// Bytes of the weights without draft layers. `format`: every linear layer of
/// the blocks in that format and the rest as config.dtype; nothing: each as the
/// checkpoint's quantisation map says, its input scales included.
int64_t weightBytes(const ModelConfig &config,
                    std::optional<WeightFormat> format);
/// The same, all weights as numbers of `elementBytes` bytes.
int64_t weightBytesPlain(const ModelConfig &config, int64_t elementBytes);
/// Of the draft layers, as the checkpoint stores them.
int64_t draftWeightBytes(const ModelConfig &config);

/// What one sequence keeps between steps. Activations have `elementBytes`
/// bytes, the SSM state the width that config.ssmCacheDtype says.
struct StateBytes {
  int64_t ssm = 0, conv = 0;
  int64_t kvPerToken = 0;
  int64_t perSequence() const { return ssm + conv; }
};
StateBytes stateBytes(const ModelConfig &config, int64_t elementBytes);

/// FLOPs of one token: `fixed` + `perContext` x tokens before it.
struct TokenFlops {
  double fixed = 0, perContext = 0;
  double at(int64_t context) const {
    return fixed + perContext * double(context);
  }
};
TokenFlops decodeFlops(const ModelConfig &config);
/// Per prompt token, without the head; here `perContext` counts the tokens of
/// the whole prompt.
TokenFlops prefillFlops(const ModelConfig &config);

/// Bytes of weights that a decode step reads for `batch` sequences, stored as
/// the checkpoint says: each expert at most once, the expected number of
/// distinct experts if sequences choose independently.
double stepWeightBytes(const ModelConfig &config, int64_t batch);

/// All bytes that a decode step moves for `batch` sequences of `context`
/// tokens: weights, the state read and written, KV read.
double stepBytes(const ModelConfig &config, const StateBytes &state,
                 int64_t batch, int64_t context);

/// The largest context that `batch` sequences can have within `memory` bytes
/// beside `weights` bytes, at most config.context; 0: they do not fit.
int64_t largestContext(const ModelConfig &config, const StateBytes &state,
                       int64_t weights, int64_t memory, int64_t batch);

} // namespace braid

#endif // BRAID_ANALYSIS_COST_H
