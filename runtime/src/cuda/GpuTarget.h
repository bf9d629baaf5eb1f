//===- GpuTarget.h - which code runs on which GPU -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CUDA_GPUTARGET_H
#define BRAID_RT_SRC_CUDA_GPUTARGET_H

#include "braid-rt/manifest.h"

namespace braid::rt::cuda {

/// How code of a target gets onto a GPU.
enum class Fit { None, Compile, Run };

/// Run: its machine code does, which is for the very compute capability if the
/// target is exact (sm_90a), else for that and larger minor ones of the same
/// major one. Compile: its PTX would, which is for all later ones unless the
/// target is exact, or there is no machine code.
Fit fitOf(const GpuCode &code, int major, int minor);

/// The target to compile for, "sm_90a" for 9.0; empty if Braid has none.
std::string targetFor(int major, int minor);

/// The first CUDA whose driver reads a version of PTX, 1000 * major + 10 *
/// minor: 12030 for "8.3" (PTX ISA, "Release notes"); 0 if it is not known.
int cudaVersionFor(const std::string &ptxVersion);

/// 12030 -> "12.3".
std::string cudaVersionText(int version);

} // namespace braid::rt::cuda

#endif // BRAID_RT_SRC_CUDA_GPUTARGET_H
