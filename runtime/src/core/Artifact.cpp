//===- Artifact.cpp - an artefact, read but not run -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/artifact.h"
#include "Elf.h"
#include "File.h"
#include "Sha256.h"
#include "TempFile.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

namespace braid::rt {

using Bytes = std::span<const std::byte>;

/// Beyond it a file is not an artefact: weights never lie inside.
static constexpr uint64_t kMaxArtifactBytes = uint64_t(4) << 30;
/// Where the hash stands within the seal.
static constexpr size_t kHashAt = offsetof(braid_seal, sha256);

static std::string text(Bytes bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static Bytes bytesOf(const std::string &file) {
  return std::as_bytes(std::span(file.data(), file.size()));
}

/// The seal's section, its magic checked.
static Bytes findSeal(const Elf &elf, const std::string &path) {
  auto seal = elf.section(BRAID_SECTION_SEAL);
  if (!seal)
    throw Error(path + ": not a braid artefact: no section " BRAID_SECTION_SEAL,
                "expected a file made by braid compile");
  if (seal->size() != sizeof(braid_seal) ||
      std::memcmp(seal->data(), BRAID_SEAL_MAGIC, kHashAt) != 0)
    throw Error(path + ": damaged seal: expected " BRAID_SEAL_MAGIC " and " +
                std::to_string(sizeof(braid_seal) - kHashAt) + " bytes");
  return *seal;
}

static Bytes findManifest(const Elf &elf, const std::string &path) {
  auto manifest = elf.section(BRAID_SECTION_MANIFEST);
  if (!manifest)
    throw Error(path +
                ": not a braid artefact: no section " BRAID_SECTION_MANIFEST);
  return *manifest;
}

/// SHA-256 over the file, the seal's own hash taken as zeros.
static std::array<uint8_t, 32> hashAround(Bytes file, Bytes seal) {
  static constexpr uint8_t zeros[32] = {};
  size_t at = size_t(seal.data() - file.data()) + kHashAt;
  Sha256 sha;
  sha.update(file.data(), at);
  sha.update(zeros, sizeof(zeros));
  sha.update(file.data() + at + 32, file.size() - at - 32);
  return sha.finish();
}

void requireKernels(const GpuCode &gpu, uint64_t bytes,
                    const std::string &path) {
  for (const GpuKernel &kernel : gpu.kernels)
    if (uint64_t end = kernel.cubinOffset + kernel.cubinBytes; end > bytes)
      throw Error(path + ": section " BRAID_SECTION_GPU_PREFIX + gpu.target +
                  ".cubin has " + std::to_string(bytes) + " bytes, kernel " +
                  kernel.name + " ends at " + std::to_string(end));
}

/// The code that the manifest speaks of has to be there.
static void requireDeviceCode(const Elf &elf, const Artifact &artifact) {
  auto require = [&](const std::string &name) {
    auto section = elf.section(name);
    if (!section)
      throw Error(artifact.path + ": has no section " + name +
                  ", which its manifest speaks of");
    return section->size();
  };
  for (const GpuCode &gpu : artifact.manifest.gpus) {
    std::string prefix = BRAID_SECTION_GPU_PREFIX + gpu.target;
    require(prefix + ".ptx");
    if (gpu.cubin)
      requireKernels(gpu, require(prefix + ".cubin"), artifact.path);
  }
}

Artifact Artifact::open(const std::string &path) {
  // Read, not mapped: a file that shrinks while it is mapped kills the process.
  std::string file = readWholeFile(path, kMaxArtifactBytes);
  Elf elf(bytesOf(file), path);
  Bytes seal = findSeal(elf, path);
  Artifact artifact;
  artifact.path = path;
  artifact.bytes = file.size();
  artifact.seal = hashAround(bytesOf(file), seal);
  if (std::memcmp(artifact.seal.data(), seal.data() + kHashAt, 32) != 0)
    throw Error(path + ": its bytes do not match its seal",
                "the file was changed or damaged; copy or compile it again");
  artifact.manifestJson = text(findManifest(elf, path));
  artifact.manifest = parseManifest(artifact.manifestJson, path);
  requireDeviceCode(elf, artifact);
  if (auto tokenizer = elf.section(BRAID_SECTION_TOKENIZER))
    artifact.tokenizerJson = text(*tokenizer);
  if (auto golden = elf.section(BRAID_SECTION_GOLDEN))
    artifact.golden = text(*golden);
  for (const Elf::Section &section : elf.all())
    artifact.sections.push_back(
        {std::string(section.name), section.bytes.size()});
  return artifact;
}

std::string readSection(const Artifact &artifact, const std::string &name) {
  std::string file = readWholeFile(artifact.path, kMaxArtifactBytes);
  auto section = Elf(bytesOf(file), artifact.path).section(name);
  if (!section)
    throw Error(artifact.path + ": has no section " + name +
                ", which its manifest speaks of");
  return text(*section);
}

/// Offset within `manifest` of the placeholder that follows the key.
static size_t findPlaceholder(std::string_view manifest,
                              const std::string &path) {
  static const std::string zeros(64, '0');
  size_t key = manifest.find("\"header_sha256\"");
  size_t at = key == manifest.npos ? key : manifest.find(zeros, key);
  if (at == manifest.npos || at - key > 24)
    throw Error(path + ": manifest: expected 64 zeros as header_sha256");
  return at;
}

/// Offset within the file of the section that `golden` replaces.
static size_t findGolden(const Elf &elf, Bytes file, const std::string &golden,
                         const std::string &path) {
  auto section = elf.section(BRAID_SECTION_GOLDEN);
  if (!section || section->size() != golden.size())
    throw Error(path + ": expected a section " BRAID_SECTION_GOLDEN " of " +
                std::to_string(golden.size()) + " bytes");
  return size_t(section->data() - file.data());
}

void sealArtifact(const std::string &path, const std::string &headerSha256,
                  const std::string &golden) {
  std::string file = readWholeFile(path, kMaxArtifactBytes);
  Elf elf(bytesOf(file), path);
  if (!golden.empty())
    std::copy(golden.begin(), golden.end(),
              file.begin() + findGolden(elf, bytesOf(file), golden, path));
  if (!headerSha256.empty()) {
    Bytes manifest = findManifest(elf, path);
    size_t start = size_t(manifest.data() - bytesOf(file).data());
    size_t at = start + findPlaceholder(text(manifest), path);
    std::copy(headerSha256.begin(), headerSha256.end(), file.begin() + at);
  }
  Bytes seal = findSeal(elf, path);
  auto hash = hashAround(bytesOf(file), seal);
  std::memcpy(file.data() + (seal.data() - bytesOf(file).data()) + kHashAt,
              hash.data(), hash.size());
  TempFile out(path);
  out.write(file.data(), file.size());
  out.commit();
}

} // namespace braid::rt
