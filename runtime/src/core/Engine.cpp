//===- Engine.cpp - a loaded artefact on a device -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Bytes.h"
#include "EngineState.h"
#include "Sha256.h"
#include "StatePools.h"
#include "braid-rt/error.h"
#include "braid-rt/machine.h"

#include <algorithm>

namespace braid::rt {

static void checkRange(int64_t value, int64_t highest, const char *option) {
  if (value < 1)
    throw Error(std::string(option) + ": expected at least 1, found " +
                std::to_string(value));
  if (value > highest)
    throw Error(std::string(option) + ": expected at most " +
                std::to_string(highest) + ", found " + std::to_string(value));
}

/// Fills in defaults. Throws Error for what the model cannot do.
static EngineOptions complete(EngineOptions options, const Manifest &manifest) {
  if (options.threads == 0)
    options.threads = defaultThreads();
  if (options.context == 0)
    options.context =
        std::min(manifest.context, EngineOptions::kDefaultContext);
  if (options.maxRows == 0)
    options.maxRows = options.context;
  checkRange(options.threads, ThreadPool::kMaxThreads, "threads");
  checkRange(options.context, INT64_MAX, "context");
  checkRange(options.maxSequences, EngineOptions::kMostSequences, "sequences");
  // Compiled code counts the rows of a step in 32 bits.
  checkRange(options.maxRows, INT32_MAX, "rows");
  options.maxRows = std::max(options.maxRows, options.maxSequences);
  if (options.context > manifest.context)
    throw Error("context: expected at most the model's " +
                std::to_string(manifest.context) + " tokens, found " +
                std::to_string(options.context));
  return options;
}

static Weights readWeights(const Artifact &artifact, const Code &code,
                           const EngineOptions &options, ThreadPool &pool) {
  if (options.syntheticSeed)
    return Weights::synthetic(artifact, code, *options.syntheticSeed, pool,
                              options.progress);
  if (artifact.manifest.weights.mode == WeightMode::Link)
    return Weights::linked(artifact, code, options.weightsDir, pool,
                           options.progress);
  return Weights::mapped(artifact, options.weightsDir);
}

static MemoryPlan planMemory(const Manifest &manifest,
                             const EngineOptions &options) {
  MemoryPlan plan{manifest.weights.bytes, manifest.arenaFixed, 0,
                  logitBytes(manifest, options.maxRows), options.maxSequences,
                  options.context};
  plan.activations += bytesOf("activations", manifest.arenaPerRow,
                              uint64_t(options.maxRows));
  for (const Pool &pool : manifest.pools)
    plan.state += bytesOf("state pool " + pool.name,
                          bytesPerSlot(pool, plan.context),
                          uint64_t(plan.sequences));
  return plan;
}

/// The first large piece: what all of them will be is said before.
static std::unique_ptr<DeviceMemory>
allocateArena(const Manifest &manifest, const EngineOptions &options,
              Device &device) {
  MemoryPlan plan = planMemory(manifest, options);
  device.expect(plan);
  return device.allocate(plan.activations, "activations", Backing::Whole);
}

/// Memory of the device comes first: what does not fit is refused before
/// minutes are spent on preparing it.
static Weights loadWeights(const Artifact &artifact, const Code &code,
                           const EngineOptions &options, ThreadPool &pool,
                           Device &device) {
  std::unique_ptr<DeviceMemory> place;
  if (!device.sharesMemory())
    place = device.allocate(artifact.manifest.weights.bytes, "weights",
                            Backing::Whole);
  Weights weights = readWeights(artifact, code, options, pool);
  if (place)
    weights.moveTo(device, std::move(place), options.upload);
  return weights;
}

static std::array<uint8_t, 32> identityOf(const Artifact &artifact,
                                          const EngineOptions &options) {
  if (!options.syntheticSeed)
    return artifact.seal;
  Sha256 sha;
  sha.update(artifact.seal.data(), artifact.seal.size());
  sha.update(&*options.syntheticSeed, sizeof(*options.syntheticSeed));
  return sha.finish();
}

Engine::State::State(Artifact opened, const EngineOptions &given)
    : artifact(std::move(opened)), options(complete(given, artifact.manifest)),
      code(artifact),
      pool(options.threads, artifact.manifest.threadScratch),
      device(openDevice(artifact, code, pool, options)),
      arena(allocateArena(artifact.manifest, options, *device)),
      weights(loadWeights(artifact, code, options, pool, *device)),
      identity(identityOf(artifact, options)) {
  if (!artifact.tokenizerJson.empty())
    tokenizer = Tokenizer::fromJson(artifact.tokenizerJson,
                                    artifact.path + ": tokenizer");
}

Engine::Engine(std::unique_ptr<State> state) : state(std::move(state)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::open(const std::string &path,
                                     const EngineOptions &options) {
  auto state = std::make_unique<State>(Artifact::open(path), options);
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

const Manifest &Engine::manifest() const { return state->artifact.manifest; }
const Artifact &Engine::artifact() const { return state->artifact; }
const Tokenizer *Engine::tokenizer() const {
  return state->tokenizer ? &*state->tokenizer : nullptr;
}
int Engine::threads() const { return state->pool.size(); }
std::string Engine::device() const { return state->device->name(); }
std::vector<std::string> Engine::notes() const {
  return state->device->notes();
}
int64_t Engine::context() const { return state->options.context; }
int64_t Engine::maxSequences() const { return state->options.maxSequences; }
int64_t Engine::maxRows() const { return state->options.maxRows; }
const std::string &Engine::weightsFrom() const {
  return state->weights.where();
}
const void *const *Engine::weightTable() const {
  return state->weights.table();
}

MemoryUse Engine::memory() const {
  MemoryUse use;
  use.weights = state->weights.bytes();
  use.weightsInMemory = state->weights.inMemory();
  use.weightsOnDevice = !state->device->sharesMemory();
  use.arena = state->arena->bytes();
  for (const Pool &pool : manifest().pools) {
    bool perToken = perTokenPool(pool);
    (perToken ? use.statePerToken : use.stateFixed) += bytesPerSlot(pool, 1);
  }
  return use;
}

std::span<const KernelProfile> Engine::profile() const {
  std::vector<KernelProfile> *profile = state->device->profile();
  return profile ? std::span<const KernelProfile>(*profile)
                 : std::span<const KernelProfile>();
}

void Engine::resetProfile() {
  if (std::vector<KernelProfile> *profile = state->device->profile())
    std::fill(profile->begin(), profile->end(), KernelProfile());
}

} // namespace braid::rt
