//===- Weights.cpp - the weight table of a loaded artefact ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Weights.h"
#include "File.h"
#include "Pack.h"
#include "Sha256.h"
#include "braid-rt/checkpoint.h"
#include "braid-rt/error.h"
#include "braid-rt/machine.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sys/mman.h>

namespace braid::rt {

namespace fs = std::filesystem;

std::string stagedWeights(const std::string &artifact,
                          const std::string &headerSha256) {
  return artifact + ".weights." + headerSha256.substr(0, 16);
}

static std::vector<fs::path> placesFor(const Artifact &artifact,
                                       const std::string &weightsDir) {
  const WeightPlan &plan = artifact.manifest.weights;
  fs::path path(artifact.path), folder = path.parent_path();
  std::vector<fs::path> places;
  if (plan.mode == WeightMode::Pack) {
    std::string file = path.filename().string() + ".weights";
    std::error_code ignored;
    if (fs::is_regular_file(weightsDir, ignored))
      places.push_back(weightsDir);
    else if (!weightsDir.empty())
      places.push_back(fs::path(weightsDir) / file);
    places.push_back(folder / file);
    return places;
  }
  if (!weightsDir.empty())
    places.push_back(weightsDir);
  places.push_back(folder / "model.safetensors.index.json");
  places.push_back(folder / "model.safetensors");
  if (!plan.sourceDir.empty())
    places.push_back(folder / plan.sourceDir);
  return places;
}

/// Weights that a compilation could not put in place any more, being killed
/// between its last two renames. Empty if there are none.
static std::string findStaged(const Artifact &artifact) {
  const WeightPlan &plan = artifact.manifest.weights;
  if (plan.mode != WeightMode::Pack)
    return "";
  std::string place = stagedWeights(artifact.path, plan.headerSha256);
  std::error_code ignored;
  return fs::exists(place, ignored) ? place : "";
}

std::string findWeights(const Artifact &artifact,
                        const std::string &weightsDir) {
  if (artifact.manifest.weights.mode == WeightMode::None)
    throw Error(artifact.path + ": was compiled without weights",
                "--synthetic-weights=SEED makes some up; to use real ones "
                "compile the checkpoint's folder");
  if (std::string staged = findStaged(artifact); !staged.empty())
    return staged;
  std::string tried;
  for (const fs::path &place : placesFor(artifact, weightsDir)) {
    std::error_code ignored;
    if (!fs::exists(place, ignored)) {
      tried += (tried.empty() ? "" : ", ") + place.string();
      continue;
    }
    // Beside the artefact the index stands for its folder.
    if (place.extension() == ".json")
      return place.has_parent_path() ? place.parent_path().string() : ".";
    return place.string();
  }
  throw Error(artifact.path + ": its weights are not there; looked for " +
                  tried,
              "copy them beside the artefact or name their folder with "
              "--weights-dir");
}

/// Throws unless the file is the one that the artefact was packed with.
static void checkHeader(const Artifact &artifact, const InputFile &file) {
  const WeightPlan &plan = artifact.manifest.weights;
  const std::string &path = file.path();
  if (file.size() != plan.bytes)
    throw Error(path + ": expected " + std::to_string(plan.bytes) +
                    " bytes, found " + std::to_string(file.size()),
                "the file is cut or belongs to another artefact");
  WeightsHeader header;
  file.read(0, &header, sizeof(header));
  Sha256 sha;
  sha.update(&header, sizeof(header));
  std::string found = sha.finishHex();
  if (found != plan.headerSha256)
    throw Error(path + ": does not belong to " + artifact.path +
                    ": its header hash begins with " + found.substr(0, 16) +
                    ", expected " + plan.headerSha256.substr(0, 16),
                "copy the .weights file that was written with the artefact");
}

Weights::Weights(const WeightPlan &plan, Region memory, bool owned,
                 std::string source)
    : plan(&plan), region(std::move(memory)), length(region.bytes()),
      owned(owned), source(std::move(source)), entries(size_t(plan.count)) {
  fillTable(region.data());
}

void Weights::fillTable(const std::byte *base) {
  for (const WeightEntry &entry : plan->entries)
    for (size_t j = 0; j < entry.layers.size(); ++j)
      entries[size_t(entry.table) + j] =
          base + entry.pieceOffset(int64_t(j), 0);
}

void Weights::moveTo(Device &device, std::unique_ptr<DeviceMemory> place,
                     const Progress &progress) {
  constexpr uint64_t kPiece = uint64_t(64) << 20;
  memory = std::move(place);
  for (uint64_t at = 0; at < length;) {
    uint64_t bytes = std::min(kPiece, length - at);
    device.copyIn(memory->data() + at, region.data() + at, bytes);
    at += bytes;
    if (progress)
      progress(at, length);
  }
  region = Region();
  fillTable(memory->data());
}

Weights Weights::mapped(const Artifact &artifact,
                        const std::string &weightsDir) {
  InputFile file(findWeights(artifact, weightsDir));
  checkHeader(artifact, file);
  Region region(const_cast<std::byte *>(file.map()), file.size());
  // Read ahead what fits; of a larger file only what is used.
  if (file.size() < physicalMemory() / 2)
    madvise(region.data(), region.bytes(), MADV_WILLNEED);
  return Weights(artifact.manifest.weights, std::move(region), false,
                 file.path());
}

static Region prepareAll(const Artifact &artifact, const Code &code,
                         const SourceReader &sources, ThreadPool &pool,
                         const Progress &progress, const char *remedy) {
  const WeightPlan &plan = artifact.manifest.weights;
  requireMemory(artifact.path + ": weights", plan.bytes, availableMemory(),
                remedy);
  Region region(plan.bytes, "weights");
  region.preferHugePages();
  Packer packer(plan, code, sources, pool);
  std::span<const Piece> rest = packer.pieces();
  while (!rest.empty()) {
    auto some = nextWindow(rest);
    rest = rest.subspan(some.size());
    packer.run(some, region.data(), 0);
    if (progress)
      progress(some.back().end(), plan.bytes);
  }
  mprotect(region.data(), region.bytes(), PROT_READ);
  return region;
}

/// Throws unless the checkpoint has the headers that the artefact was compiled
/// for, where it knows their hash.
static Checkpoint openSource(const Artifact &artifact,
                             const std::string &path) {
  const WeightPlan &plan = artifact.manifest.weights;
  Checkpoint checkpoint = Checkpoint::open(path);
  if (!plan.sourceSha256.empty() &&
      checkpoint.headerHash() != plan.sourceSha256)
    throw Error(path + ": is not the checkpoint that " + artifact.path +
                    " was compiled from: its tensors are laid out otherwise",
                "name the right folder with --weights-dir");
  return checkpoint;
}

Weights Weights::linked(const Artifact &artifact, const Code &code,
                        const std::string &weightsDir, ThreadPool &pool,
                        const Progress &progress) {
  std::string path = findWeights(artifact, weightsDir);
  Checkpoint checkpoint = openSource(artifact, path);
  CheckpointReader reader(checkpoint, path);
  return Weights(artifact.manifest.weights,
                 prepareAll(artifact, code, reader, pool, progress,
                            "compile with --weights=pack: that file is mapped "
                            "and need not fit into memory"),
                 true, path);
}

Weights Weights::synthetic(const Artifact &artifact, const Code &code,
                           uint64_t seed, ThreadPool &pool,
                           const Progress &progress) {
  SyntheticReader reader(seed);
  return Weights(artifact.manifest.weights,
                 prepareAll(artifact, code, reader, pool, progress,
                            "made-up weights have to fit into memory; fewer "
                            "layers in config.json need less"),
                 true, "seed " + std::to_string(seed));
}

void verifyWeights(const Artifact &artifact, const std::string &weightsDir,
                   const Progress &progress) {
  std::string path = findWeights(artifact, weightsDir);
  if (artifact.manifest.weights.mode == WeightMode::Link) {
    openSource(artifact, path);
    return;
  }
  InputFile file(path);
  checkHeader(artifact, file);
  WeightsHeader header;
  file.read(0, &header, sizeof(header));
  Sha256 sha;
  std::vector<std::byte> buffer(size_t(4) << 20);
  for (uint64_t at = sizeof(header); at < file.size();) {
    size_t count = size_t(std::min<uint64_t>(buffer.size(), file.size() - at));
    file.read(at, buffer.data(), count);
    sha.update(buffer.data(), count);
    at += count;
    if (progress)
      progress(at, file.size());
  }
  if (std::memcmp(sha.finish().data(), header.dataSha256, 32) != 0)
    throw Error(file.path() + ": its data does not match its hash",
                "the file was changed or damaged; copy or pack it again");
}

} // namespace braid::rt
