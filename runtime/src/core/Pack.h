//===- Pack.h - stored tensors into packed weights ------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_PACK_H
#define BRAID_RT_SRC_CORE_PACK_H

#include "Code.h"
#include "braid-rt/checkpoint.h"
#include "cpu/ThreadPool.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace braid::rt {

#define BRAID_WEIGHTS_MAGIC "BRAIDWT1"

/// The first 4096 bytes of a weights file.
struct WeightsHeader {
  char magic[8]; ///< BRAID_WEIGHTS_MAGIC
  uint64_t fileBytes;
  uint8_t dataSha256[32];
  uint8_t zeros[4096 - 48];
};
static_assert(sizeof(WeightsHeader) == 4096);

/// One call of a prepare function: a tensor, or one expert of a stack.
struct Piece {
  const WeightEntry *entry;
  int64_t layer, expert; ///< `layer` indexes entry->layers.
  uint64_t offset;       ///< In the weights file.

  uint64_t end() const { return offset + entry->bytes; }
};

/// Gives the stored bytes of a piece's source. Called from several threads.
class SourceReader {
public:
  virtual ~SourceReader() = default;
  /// Throws Error if the source is not what the plan says.
  virtual void check(const Piece &piece, const WeightSource &source) const = 0;
  /// The bytes: either in place or written to `buffer` (source.bytes()).
  /// Throws Error if a stored number is not finite.
  /// REQUIRES: check passed. `buffer` is aligned.
  virtual const void *read(const Piece &piece, const WeightSource &source,
                           std::byte *buffer) const = 0;
};

class CheckpointReader : public SourceReader {
public:
  /// `where` begins messages. The checkpoint must outlive the reader.
  CheckpointReader(const Checkpoint &checkpoint, std::string where)
      : checkpoint(checkpoint), where(std::move(where)) {}
  void check(const Piece &, const WeightSource &) const override;
  const void *read(const Piece &, const WeightSource &,
                   std::byte *) const override;

private:
  const TensorInfo &find(const Piece &, const WeightSource &) const;
  const Checkpoint &checkpoint;
  std::string where;
};

class SyntheticReader : public SourceReader {
public:
  explicit SyntheticReader(uint64_t seed) : seed(seed) {}
  void check(const Piece &, const WeightSource &) const override;
  const void *read(const Piece &, const WeightSource &,
                   std::byte *) const override;

private:
  uint64_t seed;
};

/// Runs prepare functions over pieces, on all threads of a pool.
class Packer {
public:
  /// Checks every source and looks every function up. Throws Error.
  Packer(const WeightPlan &plan, const Code &code, const SourceReader &sources,
         ThreadPool &pool);

  /// All pieces, by offset.
  const std::vector<Piece> &pieces() const { return all; }

  /// Prepares `some` into `to`, where the byte for the file's offset `base`
  /// stands first. REQUIRES: `to` is aligned as `base` is.
  void run(std::span<const Piece> some, std::byte *to, uint64_t base);

private:
  void prepare(std::span<const Piece> some, std::byte *to, uint64_t base) const;

  const SourceReader &sources;
  ThreadPool &pool;
  std::vector<Piece> all;
  std::unordered_map<std::string, braid_prepare_fn> functions;
};

/// The pieces, from the front on, to prepare at a time: 64 MiB or one.
std::span<const Piece> nextWindow(std::span<const Piece> pieces);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_PACK_H
