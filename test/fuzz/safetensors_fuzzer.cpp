//===- safetensors_fuzzer.cpp - any file as a shard or an index -----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An input that begins with '{' is an index beside one good shard, any other is
// a shard, of which every byte that a tensor claims is read.
//===----------------------------------------------------------------------===//
#include "MemoryFile.h"
#include "braid-rt/checkpoint.h"
#include "braid-rt/error.h"

#include <filesystem>
#include <fstream>

using namespace braid::rt;

static unsigned sumOfAllBytes(const Checkpoint &checkpoint) {
  unsigned sum = 0;
  for (const auto &[name, tensor] : checkpoint.tensors())
    for (uint64_t i = 0; i < tensor.bytes; ++i)
      sum += unsigned(checkpoint.data(tensor)[i]);
  return sum;
}

/// A folder with the shard `a.safetensors`, made once, gone at the end.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name =
        std::filesystem::temp_directory_path() / "braid-fuzz.XXXXXX";
    path = mkdtemp(name.data());
    float value = 1;
    writeSafetensors(path / "a.safetensors",
                     {{"a", "F32", {1}, &value, sizeof(value)}});
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

static void openIndex(const uint8_t *data, size_t size) {
  static const Folder folder;
  std::ofstream(folder.path / "model.safetensors.index.json", std::ios::binary)
      .write(reinterpret_cast<const char *>(data), std::streamsize(size));
  sumOfAllBytes(Checkpoint::open(folder.path));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    if (size > 0 && data[0] == '{')
      openIndex(data, size);
    else
      sumOfAllBytes(Checkpoint::open(MemoryFile(data, size).path()));
  } catch (const Error &) {
  }
  return 0;
}
