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

/// ISA levels, each including those before it.
std::vector<std::string> isaLevels();

/// A level, or `cpu`: portable (x86-64-v3), or `native`: the best level this
/// machine runs. Throws rt::Error for anything else, naming what is supported.
TargetSpec parseTarget(const std::string &name);

} // namespace braid

#endif // BRAID_TARGET_TARGETSPEC_H
