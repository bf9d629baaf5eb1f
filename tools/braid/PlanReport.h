//===- PlanReport.h - what `braid plan` knows, and how it says it ---------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_BRAID_PLANREPORT_H
#define BRAID_TOOLS_BRAID_PLANREPORT_H

#include "PlanTime.h"
#include "braid/Analysis/Cost.h"
#include "braid/Analysis/Machine.h"
#include "braid/Import/TensorList.h"

#include <optional>

namespace braid {

struct PlanOptions {
  std::string path;
  std::vector<Machine> machines; ///< At least one.
  int64_t memory = 0;            ///< 0: not asked for.
  int64_t batch = 1;
  int64_t context = 0; ///< 0: 4096, or the model's if that is less.
  int64_t elementBytes = 2;
  std::string target; ///< Of a GPU, for the times of kernels; empty: none.
  int64_t prompt = 8192; ///< Tokens that they are predicted for.
  bool json = false, verbose = false;
};

/// Everything that is reported; all numbers are made here.
struct PlanReport {
  PlanOptions options;
  ModelConfig config;
  ParameterCount parameters;
  StateBytes state;
  /// All tensors of the checkpoint: from its headers where `check` is set.
  int64_t storedBytes = 0;
  /// The part of them that a run keeps in memory.
  int64_t residentBytes = 0;
  std::optional<TensorCheck> check;
  size_t files = 0;
  /// For the only machine, if a target is set.
  std::vector<PlannedStep> steps;

  /// Tokens per second over all sequences, by the larger of the two limits.
  double tokensPerSecond(const Machine &machine) const;
  bool fits(const Machine &machine) const;
};

/// REQUIRES: report.config and options set. Fills in the rest.
void computePlan(PlanReport &report);

std::string planText(const PlanReport &report);
/// Schema 1, docs/Plan.md.
std::string planJson(const PlanReport &report);

} // namespace braid

#endif // BRAID_TOOLS_BRAID_PLANREPORT_H
