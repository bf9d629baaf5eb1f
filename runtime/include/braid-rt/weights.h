//===- braid-rt/weights.h - packed weights, made and found ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_WEIGHTS_H
#define BRAID_RT_WEIGHTS_H

#include "braid-rt/artifact.h"

#include <functional>
#include <string>

namespace braid::rt {

/// Called now and then with bytes done and bytes in all, on the calling thread.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

struct PackedFile {
  uint64_t bytes = 0;
  std::string dataSha256;   ///< Hex; over everything behind the header.
  std::string headerSha256; ///< Hex; what the manifest records.
};

/// Runs the artefact's prepare functions over the tensors of `checkpointDir`
/// and writes the weights file at `outPath` (temporary file, fsync, rename).
/// `threads` 0: as many as a run would take. Throws Error, then leaving
/// nothing behind: a tensor that is missing or has another dtype or shape than
/// the artefact was compiled for, no space.
PackedFile preparePacked(const Artifact &artifact,
                         const std::string &checkpointDir,
                         const std::string &outPath, const Progress &progress,
                         int threads = 0);

/// Reads the whole weights file of a "pack" artefact and compares it with its
/// hash (loading checks the header only); of a "link" artefact the headers of
/// the checkpoint, whose data has no hash. Throws Error if they differ, or if
/// the artefact was compiled without weights.
void verifyWeights(const Artifact &artifact, const std::string &weightsDir,
                   const Progress &progress);

/// Where a compilation puts packed weights until their artefact is in place:
/// beside it, under a name that no other weights have. The artefact's rename
/// then replaces code and weights at once, and a last one gives the weights
/// their usual name; a load in between finds them here.
std::string stagedWeights(const std::string &artifact,
                          const std::string &headerSha256);

/// Where the weights of an artefact lie: the packed file, or for "link" the
/// checkpoint. Looked for at the staged place, in `weightsDir` (may be empty;
/// may be the packed file itself), beside the artefact, then at the recorded
/// relative path. Throws Error naming all of these.
std::string findWeights(const Artifact &artifact,
                        const std::string &weightsDir);

} // namespace braid::rt

#endif // BRAID_RT_WEIGHTS_H
