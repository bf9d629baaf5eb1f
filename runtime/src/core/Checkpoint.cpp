//===- Checkpoint.cpp - tensors of a Hugging Face directory ---------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/checkpoint.h"
#include "Safetensors.h"
#include "Sha256.h"
#include "braid-rt/error.h"
#include "braid-rt/json.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <sys/mman.h>

namespace fs = std::filesystem;

namespace braid::rt {

namespace {
/// One shard; mapped when its data is first wanted.
struct Shard {
  explicit Shard(const std::string &path) : file(path) {}
  Shard(const Shard &) = delete;
  ~Shard() {
    if (mapped)
      munmap(const_cast<std::byte *>(mapped), file.size());
  }

  InputFile file;
  std::once_flag once;
  const std::byte *mapped = nullptr;
};

/// Tensor name -> path of its shard, as the index says.
using WeightMap = std::unordered_map<std::string, std::string>;
} // namespace

struct Checkpoint::State {
  std::vector<std::string> paths;
  std::vector<std::unique_ptr<Shard>> shards;
  std::unordered_map<std::string, TensorInfo> tensors;
  uint64_t dataBytes = 0;

  void addShard(const std::string &path);
  void openIndexed(const fs::path &index);
  void matchIndex(const fs::path &index, const WeightMap &map) const;
};

/// "org/name" if `directory` lies in a Hugging Face cache, else a placeholder.
static std::string repositoryOf(const fs::path &directory) {
  std::error_code ignored;
  for (const fs::path &part : fs::absolute(directory, ignored)) {
    std::string name = part.string();
    if (name.rfind("models--", 0) != 0)
      continue;
    name.erase(0, 8);
    if (size_t cut = name.find("--"); cut != name.npos)
      name.replace(cut, 2, "/");
    return name;
  }
  return "REPOSITORY";
}

static std::string downloadHint(const fs::path &directory) {
  std::string repository = repositoryOf(directory);
  std::string command = "hf download " + repository;
  if (repository == "REPOSITORY")
    command += " --local-dir " + directory.string();
  return "the download is unfinished; run `" + command + "`";
}

/// Shards are missing; perhaps the index is a leftover.
static std::string missingShardHint(const fs::path &directory) {
  std::error_code ignored;
  if (!fs::exists(directory / "model.safetensors", ignored))
    return downloadHint(directory);
  return "if model.safetensors alone is the checkpoint, remove the index";
}

void Checkpoint::State::addShard(const std::string &path) {
  auto index = uint32_t(shards.size());
  try {
    shards.push_back(std::make_unique<Shard>(path));
  } catch (const Error &error) { // A link that leads nowhere, into a cache.
    throw Error(error.what(), fs::exists(path)
                                  ? error.hint
                                  : downloadHint(fs::path(path).parent_path()));
  }
  paths.push_back(path);
  NamedTensors found = readSafetensorsHeader(shards.back()->file, index);
  tensors.reserve(tensors.size() + found.size());
  for (auto &[name, info] : found) {
    dataBytes += info.bytes;
    auto [other, fresh] = tensors.emplace(std::move(name), std::move(info));
    if (!fresh)
      throw Error(path + ": tensor '" + other->first + "' is already in " +
                  paths[other->second.file]);
  }
}

/// A name from an index may not lead out of the directory, nor be one.
static void checkShardName(const std::string &index, const std::string &name) {
  fs::path path = name;
  bool plain = std::all_of(path.begin(), path.end(), [](const fs::path &part) {
    return !part.empty() && part != "." && part != "..";
  });
  if (name.empty() || path.is_absolute() || !plain ||
      name.find('\0') != name.npos)
    throw Error(index +
                ": key 'weight_map': expected a file name in the same "
                "directory, found '" +
                name.substr(0, 200) + "'");
}

static WeightMap readWeightMap(const std::string &index) {
  Json json = readJsonFile(index);
  auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object())
    throw Error(
        index + ": expected an object 'weight_map', found " +
        (json.is_object() && map != json.end() ? map->type_name() : "none"));
  if (map->empty())
    throw Error(index + ": expected the tensors of a model in 'weight_map', "
                        "found none");
  WeightMap result(map->size());
  for (const auto &[name, file] : map->items()) {
    if (!file.is_string())
      throw Error(index + ": key 'weight_map." + name.substr(0, 200) +
                  "': expected a file name, found " + file.type_name());
    result.emplace(name, file.get<std::string>());
  }
  return result;
}

void Checkpoint::State::matchIndex(const fs::path &index,
                                   const WeightMap &map) const {
  for (const auto &[name, info] : tensors) {
    auto it = map.find(name);
    if (it == map.end())
      throw Error(paths[info.file] + ": tensor '" + name +
                  "' is not listed in " + index.string());
  }
  for (const auto &[name, file] : map) {
    std::string expected = (index.parent_path() / file).string();
    auto it = tensors.find(name);
    if (it == tensors.end())
      throw Error(expected + ": tensor '" + name + "' is listed in " +
                  index.string() + " but not in the file");
    if (paths[it->second.file] != expected)
      throw Error(index.string() + ": tensor '" + name + "' is listed in " +
                  expected + ", found in " + paths[it->second.file]);
  }
}

void Checkpoint::State::openIndexed(const fs::path &index) {
  WeightMap map = readWeightMap(index.string());
  std::vector<std::string> names;
  for (const auto &[tensor, file] : map)
    names.push_back(file);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string &name : names)
    checkShardName(index.string(), name);
  size_t missing = 0;
  std::string first;
  for (const std::string &name : names)
    if (!isThere(index.parent_path() / name) && missing++ == 0)
      first = (index.parent_path() / name).string();
  if (missing > 0)
    throw Error(first + ": file is missing (" + std::to_string(missing) +
                    " of the " + std::to_string(names.size()) + " files that " +
                    index.filename().string() + " names)",
                missingShardHint(index.parent_path()));
  for (const std::string &name : names)
    addShard((index.parent_path() / name).string());
  matchIndex(index, map);
}

/// Nothing to open in `directory`: says why, as well as can be seen.
[[noreturn]] static void failNoTensors(const fs::path &directory) {
  std::string found;
  bool unfinished = false;
  std::error_code error;
  for (const fs::directory_entry &e :
       fs::directory_iterator(directory, error)) {
    std::string name = e.path().filename().string();
    std::string extension = e.path().extension().string();
    unfinished |= extension == ".incomplete" || extension == ".part" ||
                  extension == ".crdownload" ||
                  (e.is_symlink(error) && !e.exists(error));
    if (extension == ".bin" || extension == ".pt" || extension == ".gguf" ||
        extension == ".safetensors")
      found = found.empty() || name < found ? name : found;
  }
  unfinished |= fs::exists(directory / ".cache/huggingface/download", error);
  throw Error(directory.string() +
                  ": expected model.safetensors or "
                  "model.safetensors.index.json, found " +
                  (found.empty() ? "neither" : "only " + found),
              unfinished || found.empty()
                  ? downloadHint(directory)
                  : "only safetensors checkpoints are read");
}

Checkpoint Checkpoint::open(const std::string &path) {
  auto state = std::make_unique<State>();
  std::error_code error;
  fs::path directory = path;
  fs::path single = directory / "model.safetensors";
  fs::path index = directory / "model.safetensors.index.json";
  if (!fs::is_directory(directory, error))
    state->addShard(path);
  else if (isThere(index))
    state->openIndexed(index);
  else if (isThere(single))
    state->addShard(single.string());
  else
    failNoTensors(directory);
  return Checkpoint(std::move(state));
}

Checkpoint::Checkpoint(std::unique_ptr<State> state)
    : state(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint &&) noexcept = default;
Checkpoint &Checkpoint::operator=(Checkpoint &&) noexcept = default;
Checkpoint::~Checkpoint() = default;

const TensorInfo *Checkpoint::find(std::string_view name) const {
  auto it = state->tensors.find(std::string(name));
  return it == state->tensors.end() ? nullptr : &it->second;
}

const std::unordered_map<std::string, TensorInfo> &Checkpoint::tensors() const {
  return state->tensors;
}

const std::vector<std::string> &Checkpoint::files() const {
  return state->paths;
}

uint64_t Checkpoint::dataBytes() const { return state->dataBytes; }

std::string Checkpoint::headerHash() const {
  Sha256 hash;
  for (const auto &shard : state->shards) {
    std::string bytes = readHeaderBytes(shard->file);
    hash.update(bytes.data(), bytes.size());
  }
  return hash.finishHex();
}

const std::byte *Checkpoint::data(const TensorInfo &tensor) const {
  Shard &shard = *state->shards[tensor.file];
  std::call_once(shard.once, [&] { shard.mapped = shard.file.map(); });
  return shard.mapped + tensor.offset;
}

} // namespace braid::rt
