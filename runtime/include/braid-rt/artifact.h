//===- braid-rt/artifact.h - an artefact, read but not run ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_ARTIFACT_H
#define BRAID_RT_ARTIFACT_H

#include "braid-rt/manifest.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace braid::rt {

/// What stands in an artefact (docs/Bundle.md). Opening one never executes any
/// of its code.
struct Artifact {
  std::string path;
  Manifest manifest;
  std::string manifestJson;  ///< Byte for byte.
  std::string tokenizerJson; ///< Byte for byte; empty if there is none.
  std::string golden;        ///< See golden.h; empty if there is none.
  struct Section {
    std::string name;
    uint64_t bytes;
  };
  std::vector<Section> sections; ///< All of the file, in its order.
  std::array<uint8_t, 32> seal{};
  uint64_t bytes = 0; ///< Length of the file.

  /// Reads and checks a file. Throws Error: not an artefact, a changed or
  /// missing byte anywhere, another ABI or schema, a manifest that contradicts
  /// itself.
  static Artifact open(const std::string &path);
};

/// Throws Error, which begins with `path`, unless all cubins of `gpu` are within
/// `bytes`, the length of their section.
void requireKernels(const GpuCode &gpu, uint64_t bytes,
                    const std::string &path);

/// The bytes of a section, read from the artefact's file again. Throws Error if
/// there is no such section.
std::string readSection(const Artifact &artifact, const std::string &name);

/// Makes the file at `path`, as the linker wrote it, an artefact: if
/// `headerSha256` (64 hex digits) is not empty it replaces the 64 zeros that
/// the manifest holds for weights.header_sha256; if `golden` is not empty it
/// replaces the section .braid.golden, which has its size; then the seal gets
/// its hash. May be called again, e.g. sealed for packing first and with the
/// header's hash afterwards. Atomic (temporary file, rename). Throws Error.
void sealArtifact(const std::string &path, const std::string &headerSha256,
                  const std::string &golden = {});

} // namespace braid::rt

#endif // BRAID_RT_ARTIFACT_H
