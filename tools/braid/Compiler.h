//===- Compiler.h - one compilation, phase by phase (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_BRAID_COMPILER_H
#define BRAID_TOOLS_BRAID_COMPILER_H

#include "braid/Import/BuildModule.h"
#include "braid/Pipeline/Pipeline.h"
#include "braid/Target/Bundle.h"
#include <optional>
#include <string>

namespace braid {

struct CompileOptions {
  std::string input;  ///< Directory, config.json, or *.mlir.
  std::string output; ///< model.braid; "-" or *.mlir with --stop-after.
  std::optional<Precision> precision; ///< None: BF16, or as a dump says.
  std::string target;                 ///< Empty: native, or as a dump says.
  std::string weights;     ///< pack, link, none; empty: what the input allows.
  std::string weightsFrom; ///< Of a dump; empty: as it says.
  std::string stopAfter;   ///< model, kernel, device, or empty.
  std::string ptxas;       ///< The assembler; empty: CUDA_HOME, then PATH.
  std::string cache;       ///< Of machine code; none; empty: the user's.
  bool withSim = false;    ///< GPU kernels also as code for the simulator.
  int jobs = 1; ///< Threads; what is written does not depend on them.
  bool reference = false;
  bool golden = true; ///< Store logits of the reference, to verify with.
  bool verbose = false;
  bool quiet = false;
};

/// Runs a compilation; prints numbered steps to stderr. Throws rt::Error.
void compile(const CompileOptions &options);

/// `braid compile`; argv[0] is the command. Returns the exit code.
int compileMain(int argc, char **argv);

} // namespace braid

#endif // BRAID_TOOLS_BRAID_COMPILER_H
