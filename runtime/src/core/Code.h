//===- Code.h - the functions of an artefact ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_CODE_H
#define BRAID_RT_SRC_CORE_CODE_H

#include "braid-rt/abi.h"
#include "braid-rt/artifact.h"

#include <string>

namespace braid::rt {

/// The loaded shared object. Its code is trusted like any library's; that its
/// bytes are what the compiler wrote was checked by Artifact::open.
class Code {
public:
  /// Throws Error: the CPU lacks a feature, or the loader refuses the file.
  explicit Code(const Artifact &artifact);
  Code(const Code &) = delete;
  Code &operator=(const Code &) = delete;
  ~Code();

  braid_step_fn step(const std::string &name) const;
  braid_prepare_fn prepare(const std::string &name) const;
  braid_sim_fn sim(const std::string &name) const;

private:
  void *symbol(const std::string &name) const;
  std::string path;
  void *handle = nullptr;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_CODE_H
