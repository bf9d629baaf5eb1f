//===- TargetSpec.h - what code is made for
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TARGET_TARGETSPEC_H
#define BRAID_TARGET_TARGETSPEC_H

#include <string>
#include <vector>

namespace braid {

/// A CPU to generate code for.
struct TargetSpec {
  std::string level; ///< The schedules' ISA level: x86-64-v3, avx512, ...
  std::string cpu;   ///< LLVM's -mcpu.
  std::string attributes; ///< LLVM's -mattr.
  /// What the machine must have, as /proc/cpuinfo spells it.
  std::vector<std::string> required;
};

/// A GPU to generate code for.
struct GPUTarget {
  std::string name;       ///< sm_80, sm_90a, ...: LLVM's -mcpu.
  std::string ptxVersion; ///< Of the text, as "8.0"; older drivers refuse it.
  /// Runs on this architecture alone (sm_90a); else on all later ones, too.
  bool exact = false;
};

/// What `--target` names: a CPU level, always, and any number of GPUs.
struct TargetList {
  std::string cpu; ///< For parseTarget.
  std::vector<GPUTarget> gpus;
};

/// `native`, `sm_90a`, `cpu,sm_80,h200`, ... Without a CPU the portable level is
/// taken: what runs on a GPU has to be checked somewhere. Throws rt::Error.
TargetList parseTargets(const std::string &list);

/// A GPU by architecture or by card (a100, h100, h200, b200, ...). Throws
/// rt::Error, which begins with `where` the name stands.
GPUTarget parseGPUTarget(const std::string &where, const std::string &name);

/// ISA levels, each including those before it.
std::vector<std::string> isaLevels();

/// A level, or `cpu`: portable (x86-64-v3), or `native`: the best level this
/// machine runs. Throws rt::Error for anything else, naming what is supported.
TargetSpec parseTarget(const std::string &name);

} // namespace braid

#endif // BRAID_TARGET_TARGETSPEC_H
