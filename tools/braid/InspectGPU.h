//===- InspectGPU.h - an artefact's GPU code, described (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_BRAID_INSPECTGPU_H
#define BRAID_TOOLS_BRAID_INSPECTGPU_H

#include "braid-rt/artifact.h"
#include "braid-rt/json.h"
#include <string_view>

namespace braid {

/// The list "gpus" of `braid inspect --json` (docs/Bundle.md).
rt::Json gpusJson(const rt::Artifact &artifact);

/// The same for people: lines of text, nothing without GPU code.
std::string gpusText(const rt::Artifact &artifact);

/// The PTX of a target; of one kernel alone, if `kernel` is not empty. Throws
/// rt::Error: there is no such target or kernel.
std::string ptxText(const rt::Artifact &artifact, const std::string &target,
                    const std::string &kernel);

/// From `.entry` to the end, of a kernel in `ptx`; empty if it is not there.
std::string_view entryOf(std::string_view ptx, const std::string &kernel);

} // namespace braid

#endif // BRAID_TOOLS_BRAID_INSPECTGPU_H
