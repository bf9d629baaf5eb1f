//===- braid-rt/session.h - engine, session, step -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime in three nouns. An engine is a loaded artefact on a device. A
// session is the state of some sequences. A step takes tokens in and gives
// logits out; nothing is allocated in it.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SESSION_H
#define BRAID_RT_SESSION_H

#include "braid-rt/artifact.h"
#include "braid-rt/tokenizer.h"
#include "braid-rt/weights.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace braid::rt {

/// What is wrong with `name` as EngineOptions::device on any machine; empty if
/// nothing is.
std::string wrongDevice(const std::string &name);

struct EngineOptions {
  std::string device;       ///< auto, cpu, cuda, cuda:NUMBER, sim or
                            ///< sim:TARGET. Empty: auto, which is a GPU that
                            ///< the artefact has code for, else the CPU.
  bool allowJit = false;    ///< The driver may compile PTX for a GPU.
  int threads = 0;          ///< 0: physical cores, capped by the CPU quota.
  int64_t context = 0;      ///< Tokens a sequence can hold. 0: the model's, but
                            ///< at most kDefaultContext.
  int64_t maxSequences = 8; ///< Of one session.
  int64_t maxRows = 512;    ///< Of one step; longer prompts take several. 0:
                            ///< the context. At least maxSequences.
  std::string weightsDir;   ///< Searched first; may be empty.
  std::optional<uint64_t> syntheticSeed; ///< Made-up weights instead.
  bool profile = false;                  ///< Time every kernel.
  Progress progress; ///< Told while weights are prepared at load.
  Progress upload;   ///< Told while weights are copied to a GPU.

  static constexpr int64_t kDefaultContext = 8192;
  static constexpr int64_t kMostSequences = 65536;
};

/// What an engine and one session take, in bytes. Address space is reserved
/// whole; memory backs what has been touched.
struct MemoryUse {
  uint64_t weights = 0;    ///< Mapped from a file, or in memory:
  bool weightsInMemory = false; ///< of this process,
  bool weightsOnDevice = false; ///< or of a GPU.
  uint64_t arena = 0;      ///< Activations of a step of maxRows rows.
  uint64_t stateFixed = 0; ///< Per sequence, whatever its length.
  uint64_t statePerToken = 0;
};

struct KernelProfile {
  uint64_t calls = 0, nanoseconds = 0;
};

/// A loaded artefact. Sessions of one engine may live on different threads;
/// their steps take turns.
class Engine {
public:
  /// Throws Error: what Artifact::open refuses, a CPU without a feature that
  /// the code needs, weights that are missing or of another model.
  static std::unique_ptr<Engine> open(const std::string &path,
                                      const EngineOptions &options = {});
  ~Engine();

  const Manifest &manifest() const;
  const Artifact &artifact() const;
  /// Null if the artefact has no tokenizer.
  const Tokenizer *tokenizer() const;
  int threads() const;
  /// Where steps run, for people: "the CPU (avx512) with 2 threads".
  std::string device() const;
  /// What was decided while loading that people should know, a line each: why
  /// there is no GPU, how memory is had.
  std::vector<std::string> notes() const;
  int64_t context() const;
  int64_t maxSequences() const;
  int64_t maxRows() const;
  /// Where the weights came from: a path, or the seed.
  const std::string &weightsFrom() const;
  /// Packed weights as a step is given them; on a GPU not for the host to read.
  const void *const *weightTable() const;
  MemoryUse memory() const;
  /// One per kernel of the manifest; empty unless options.profile.
  std::span<const KernelProfile> profile() const;
  void resetProfile();

  struct State;

private:
  friend class Session;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// Which rows of a feed want logits.
enum class Logits {
  None,
  Choice, ///< The last, for `draw` alone: they stay on the device.
  Last,
  All
};

/// How the step chooses a token from logits (braid.sample in Dialect.md).
struct Draw {
  float temperature = -1; ///< 0: the most likely token; below 0: none is chosen.
  int32_t key = 0;        ///< Random, another one for each draw.
};

/// The next tokens of one sequence.
struct Feed {
  int sequence = 0;
  std::span<const int32_t> ids;
  Logits logits = Logits::Last;
  Draw draw = {}; ///< From the last row's logits.
};

/// The state of up to engine.maxSequences() sequences. Not thread-safe.
class Session {
public:
  /// The engine must outlive the session. Throws Error if the address space
  /// is not to be had.
  explicit Session(Engine &engine);
  ~Session();

  Engine &engine() const;

  /// A new empty sequence: a small number, the lowest free one. Throws Error
  /// if there are engine.maxSequences() already.
  int create();
  /// A new sequence with the tokens and the state of another.
  int fork(int sequence);
  void release(int sequence);

  /// Writes a sequence to a file; it can be restored under the same artefact
  /// (by its seal) and weights, in this or another process. Atomic.
  void save(int sequence, const std::string &path) const;
  /// A new sequence from a file. Throws Error: of another model, cut, changed,
  /// longer than this engine's context.
  int restore(const std::string &path);

  /// Tokens that the sequence has seen.
  int64_t position(int sequence) const;
  std::span<const int32_t> tokens(int sequence) const;
  /// The logits [vocabulary] after the last token, from which the next is
  /// chosen. Valid until the sequence is fed or released. Null if its last
  /// feed wanted none, or nothing was fed.
  const float *next(int sequence) const;

  /// The token that the latest feed's `draw` chose. Throws Error: there was no
  /// draw, or a logit is not a number.
  int32_t chosen(int sequence) const;

  /// Runs the compiled step once. REQUIRES: 1 <= total ids <= maxRows, no
  /// sequence twice, no feed empty. Throws Error, before anything has changed:
  /// an id out of range, a sequence longer than the context.
  /// `hidden`, if given, receives [layers + 1, rows, hidden].
  void step(std::span<const Feed> feeds, float *hidden = nullptr);

  /// The logits of the latest step: a row [vocabulary] per row that wanted
  /// them, in the order of feeds. Valid until the next step.
  const float *logits() const;

  struct State;

private:
  void advance(std::span<const Feed> feeds);
  void readInto(int sequence, const std::string &path);
  std::unique_ptr<State> state;
};

} // namespace braid::rt

#endif // BRAID_RT_SESSION_H
