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
/// 1536 -> "1.5 KiB".
std::string sizeText(uint64_t bytes);
/// Says what preparing weights at load costs, once, and how far it is.
Progress progressOnStderr(const std::string &what);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CLI_SUMMARY_H
