//===- braid-rt/checkpoint.h - tensors of a Hugging Face directory ---------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one reader of safetensors in the project: the compiler reads names,
// shapes and dtypes through it, the runtime the bytes. Everything read here is
// untrusted.
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_CHECKPOINT_H
#define BRAID_RT_CHECKPOINT_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace braid::rt {

/// A tensor as its file's header declares it.
struct TensorInfo {
  std::string dtype; ///< As stored: BF16, F32, F16, F8_E4M3, U8, I32, I64, ...
  std::vector<int64_t> shape;
  uint32_t file = 0;   ///< Index into Checkpoint::files().
  uint64_t offset = 0; ///< From the start of the file.
  uint64_t bytes = 0;
};

/// All tensors of a directory: the shards that model.safetensors.index.json
/// names or, where there is no index, model.safetensors. Headers are read and checked in full at
/// open; data is mapped read-only on the first `data` call for its file.
/// Thread-compatible: `data` may be called from several threads.
class Checkpoint {
public:
  /// Opens a directory or one .safetensors file. Symbolic links are followed.
  /// Throws Error: truncated or lying headers (length, overlap, hole,
  /// out-of-range or reversed offsets, size that shape and dtype contradict),
  /// a missing shard, index entries with ".." or an absolute path, a tensor
  /// listed in another shard than the one that holds it or in none, not a
  /// regular file, a Git-LFS pointer or unfinished download (with the command
  /// that fixes it).
  static Checkpoint open(const std::string &path);

  Checkpoint(Checkpoint &&) noexcept;
  Checkpoint &operator=(Checkpoint &&) noexcept;
  ~Checkpoint();

  /// Null if there is no such tensor.
  const TensorInfo *find(std::string_view name) const;
  const std::unordered_map<std::string, TensorInfo> &tensors() const;
  /// Paths, as opened.
  const std::vector<std::string> &files() const;
  /// Sum over all tensors.
  uint64_t dataBytes() const;
  /// SHA-256 (hex) over the headers of all files in order: names, shapes,
  /// dtypes, offsets. Cheap identity of a checkpoint.
  std::string headerHash() const;

  /// The tensor's bytes, mapped; valid as long as the checkpoint. Not
  /// necessarily aligned to the element size.
  const std::byte *data(const TensorInfo &tensor) const;

private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// Writes a safetensors file (temporary file, fsync, rename). Throws Error.
struct TensorToWrite {
  std::string name, dtype;
  std::vector<int64_t> shape;
  const void *data;
  uint64_t bytes;
};
void writeSafetensors(const std::string &path,
                      const std::vector<TensorToWrite> &tensors);

} // namespace braid::rt

#endif // BRAID_RT_CHECKPOINT_H
