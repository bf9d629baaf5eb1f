//===- Options.h - the command line of the runner -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CLI_OPTIONS_H
#define BRAID_RT_SRC_CLI_OPTIONS_H

#include "braid-rt/error.h"
#include "braid-rt/generate.h"

#include <optional>
#include <string>
#include <vector>

namespace braid::rt {

/// The command line makes no sense; exit code 2.
struct UsageError : Error {
  using Error::Error;
};

struct RunOptions {
  std::string artifact;
  std::optional<std::string> prompt;
  std::optional<std::vector<int32_t>> ids;
  std::string promptsFile, loadSession, saveSession, logitsOut, hiddenOut;
  std::vector<std::string> stop;
  GenerateOptions generate;
  EngineOptions engine;
  bool maxSequencesGiven = false;
  bool parseSpecial = false, quiet = false, help = false, version = false;
};

/// Throws UsageError: an unknown option, a bad value, options that exclude each
/// other, nothing to do. Throws Error for a file that cannot be read.
RunOptions parseOptions(int argc, char **argv);

std::string helpText(const std::string &program);
std::string versionText(const std::string &program);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CLI_OPTIONS_H
