//===- braid-rt/manifest.h - what an artefact says of itself --------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The JSON of the section .braid.manifest (docs/Bundle.md), read once into
// plain structures. Untrusted: every number is range-checked here, so that the
// rest of the runtime can rely on the invariants below.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_MANIFEST_H
#define BRAID_RT_MANIFEST_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {

/// A tensor of the checkpoint that a weight is prepared from.
struct WeightSource {
  std::string suffix;         ///< Appended to WeightEntry::tensor.
  std::string dtype;          ///< As in safetensors.
  std::vector<int64_t> shape; ///< Of one piece; [experts, ...] when stacked.
  std::string init;           ///< How synthetic weights fill it; may be empty.
  bool stacked = false;

  /// Of one piece.
  uint64_t elements() const;
  uint64_t bytes() const;
};

/// One weight of one block signature, over all layers that have it.
struct WeightEntry {
  std::string name;   ///< For messages.
  std::string tensor; ///< Checkpoint name with {L} and {E}.
  std::vector<int64_t> layers;
  int64_t experts = 0; ///< 0: no stack.
  int64_t table = 0;   ///< layers[j] fills entry table + j of the step's table.
  uint64_t offset = 0; ///< From the start of the weights file.
  uint64_t layerStride = 0, expertStride = 0;
  uint64_t bytes = 0; ///< Of one piece.
  std::string prepare;
  std::vector<WeightSource> sources;

  int64_t piecesPerLayer() const { return experts > 0 ? experts : 1; }
  /// Start of a piece in the weights file; within WeightPlan::bytes.
  uint64_t pieceOffset(int64_t layerIndex, int64_t expert) const;
  /// The checkpoint's name of a source of a piece.
  std::string sourceName(const WeightSource &source, int64_t layerIndex,
                         int64_t expert) const;
};

enum class WeightMode { Pack, Link, None };

struct WeightPlan {
  WeightMode mode = WeightMode::None;
  uint64_t bytes = 0; ///< Length of the weights file, its header included.
  int64_t count = 0;  ///< Entries of the step's table; each has one owner.
  std::string headerSha256, sourceDir, sourceSha256;
  std::vector<WeightEntry> entries;
};

/// One array of per-sequence state. Row-major [..., slots, ..., context, ...].
struct Pool {
  /// Symbols of `shape`.
  static constexpr int64_t Slots = -1, Context = -2;
  std::string name, dtype;
  std::vector<int64_t> shape; ///< "layers" already replaced by its number.
  uint64_t elementBytes = 0;
};

/// A kernel and its work per row, zeros where it is not known.
struct Kernel {
  std::string name, op;
  int64_t calls = 0;       ///< In a step.
  int64_t flops = 0;       ///< Of one call.
  int64_t weightBytes = 0; ///< That a call reads, those of experts aside.
  int64_t expertBytes = 0; ///< Of one of the experts.
  int64_t experts = 0;     ///< A row uses `choices` of them.
  int64_t choices = 0;
  int64_t rowBytes = 0;      ///< Of activations.
  int64_t sequenceBytes = 0; ///< Of state, read and written.
  int64_t contextBytes = 0;  ///< Per sequence and token of context.
  int64_t contextFlops = 0;  ///< Per row and token of context.
  bool outputs = false;    ///< Rows are those that want logits.
};

/// A kernel of a GPU target, at its number.
struct GpuKernel {
  std::string name, sim; ///< Of the simulator's function; may be empty.
  std::string op;        ///< That it is for, or the last of them.
  std::string strategy;  ///< Of its schedule: reference, simt, ...
  int64_t kernel = 0;    ///< The entry of Manifest::kernels it belongs to.
  int64_t threads = 0;   ///< Of a block.
  uint64_t sharedBytes = 0;
  uint64_t cubinOffset = 0, cubinBytes = 0; ///< In the section, if assembled.
  int64_t registers = 0, stackBytes = 0, spillBytes = 0; ///< If assembled.
};

/// The code of one GPU target.
struct GpuCode {
  std::string target, entry, ptxVersion;
  std::string ptxas; ///< Version of what assembled it; may be empty.
  bool exact = false; ///< Runs on this architecture alone.
  bool cubin = false; ///< Assembled; else PTX only.
  std::vector<GpuKernel> kernels;
};

struct Manifest {
  std::string producerBraid, producerLlvm;
  std::string modelType, pattern, precision, isa, triple, cpu;
  int64_t layers = 0, hidden = 0, vocabulary = 0, context = 0;
  std::vector<std::string> features;
  std::string stepEntry;
  uint64_t arenaFixed = 0, arenaPerRow = 0, threadScratch = 0;
  std::vector<Kernel> kernels;
  std::vector<GpuCode> gpus;
  std::vector<Pool> pools;
  WeightPlan weights;
  int32_t bos = -1, pad = -1; ///< -1: none.
  std::vector<int32_t> eos;
  bool chatTemplate = false, addBos = false;
};

/// Parses and checks a manifest; `name` (the artefact's path) begins every
/// message. Throws Error: not this schema or ABI, a missing or surplus value,
/// a number that points outside of what it should.
Manifest parseManifest(std::string_view json, const std::string &name);

} // namespace braid::rt

#endif // BRAID_RT_MANIFEST_H
