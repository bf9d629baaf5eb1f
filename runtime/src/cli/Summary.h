//===- Summary.h - what the runner says on stderr -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CLI_SUMMARY_H
#define BRAID_RT_SRC_CLI_SUMMARY_H

#include "braid-rt/generate.h"

#include <string>

namespace braid::rt {

/// What runs where; one or more lines, each ended.
std::string describe(const Engine &engine, bool contextGiven);
/// Speed and memory of what has run.
std::string describe(const Engine &engine, const GenerateReport &report);
/// Says once what is under way, the size in the middle, and then how far it is.
Progress progressOnStderr(const std::string &before, const std::string &after);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CLI_SUMMARY_H
