//===- QuantMap.h - which linear layers are stored in which format --------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_IMPORT_QUANTMAP_H
#define BRAID_IMPORT_QUANTMAP_H

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace braid {

/// How a linear layer's weight [N, K] is stored in the checkpoint.
enum class WeightFormat {
  Plain,         ///< BF16, F16 or F32.
  FP8,           ///< E4M3 with one F32 scale.
  NVFP4,         ///< E2M1 pairs; E4M3 scale per 16 columns, F32 scale over all.
  FP8PerChannel, ///< E4M3; scale [N]. Planned, not compiled.
  FP8Block128,   ///< E4M3; scale [N/128, 1, K/128, 1]. Planned, not compiled.
  MXFP8,         ///< E4M3; E8M0 scale per 32 columns. Planned, not compiled.
};

/// Lower-case name, as `plan` prints it.
const char *nameOf(WeightFormat format);

/// `module` without "language_model." and "backbone." or "model.": the same
/// layer has the same name here, whoever saved the checkpoint.
std::string_view canonicalModule(std::string_view module);

/// Answers for module names under any prefix; what it does not know is Plain.
struct QuantMap {
  /// Canonical name -> format. Wins over `everything`.
  std::unordered_map<std::string, WeightFormat> modules;
  /// The format of every linear layer that is not excluded.
  std::optional<WeightFormat> everything;
  /// Canonical names; a name excludes what lies below it too.
  std::unordered_set<std::string> excluded;
  /// Canonical patterns with '*'.
  std::vector<std::string> excludedGlobs;
  bool kvFp8 = false; ///< The checkpoint was calibrated for an FP8 KV cache.

  bool empty() const { return modules.empty() && !everything; }
  WeightFormat formatOf(std::string_view module) const;
};

} // namespace braid

#endif // BRAID_IMPORT_QUANTMAP_H
