//===- SessionFile.cpp - saved sequences ----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file: SavedHeader, the tokens, the logits of the next token (if any), the
// state in the order of StatePools::save, and the SHA-256 of all that.
//===----------------------------------------------------------------------===//
#include "File.h"
#include "SessionState.h"
#include "Sha256.h"
#include "TempFile.h"
#include "braid-rt/error.h"

#include <cstring>

namespace braid::rt {
namespace {

constexpr char kMagic[8] = {'B', 'R', 'A', 'I', 'D', 'S', 'S', '1'};

struct SavedHeader {
  char magic[8];
  uint8_t model[32]; ///< Engine::State::identity.
  int64_t position;
  uint64_t logitBytes; ///< 0 or 4 * vocabulary.
  uint64_t stateBytes;
};

/// A TempFile that hashes along.
struct HashedOutput {
  TempFile file;
  Sha256 sha;
  void write(const void *data, uint64_t bytes) {
    sha.update(data, bytes);
    file.write(data, bytes);
  }
};

/// The file front to back, hashing along.
struct HashedInput {
  InputFile file;
  uint64_t at = 0;
  Sha256 sha = {};
  void read(void *to, uint64_t bytes) {
    file.read(at, to, bytes);
    sha.update(to, bytes);
    at += bytes;
  }
};

} // namespace

void Session::save(int sequence, const std::string &path) const {
  const Sequence &saved = state->at(sequence);
  uint64_t logits =
      saved.hasNext ? uint64_t(state->manifest().vocabulary) * sizeof(float)
                    : 0;
  SavedHeader header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  std::memcpy(header.model, state->loaded.identity.data(), 32);
  header.position = position(sequence);
  header.logitBytes = logits;
  header.stateBytes = state->pools.bytesOf(sequence, header.position);
  HashedOutput out{TempFile(path), {}};
  out.write(&header, sizeof(header));
  out.write(saved.tokens.data(), saved.tokens.size() * sizeof(int32_t));
  out.write(state->next(sequence), logits);
  state->pools.save(
      sequence, header.position,
      [&](const void *data, uint64_t bytes) { out.write(data, bytes); });
  auto hash = out.sha.finish();
  out.file.write(hash.data(), hash.size());
  out.file.commit();
}

/// Throws Error unless the header fits the engine and the file's length.
static void checkHeader(const SavedHeader &header, const InputFile &file,
                        const Session::State &state, int sequence) {
  const std::string &path = file.path();
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0)
    throw Error(path + ": not a saved session");
  if (std::memcmp(header.model, state.loaded.identity.data(), 32) != 0)
    throw Error(path + ": was saved under another model or other weights",
                "a session continues only with the very artefact it was "
                "saved under");
  if (header.position < 0 || header.position > state.engine.context())
    throw Error(path + ": holds " + std::to_string(header.position) +
                    " tokens, more than the context of " +
                    std::to_string(state.engine.context()),
                "load with a larger --context");
  uint64_t vocabularyBytes =
      uint64_t(state.manifest().vocabulary) * sizeof(float);
  uint64_t stateBytes = state.pools.bytesOf(sequence, header.position);
  uint64_t expected = sizeof(header) + 4 * uint64_t(header.position) +
                      header.logitBytes + stateBytes + 32;
  bool sound = header.stateBytes == stateBytes &&
               (header.logitBytes == 0 || header.logitBytes == vocabularyBytes);
  if (!sound || file.size() != expected)
    throw Error(path + ": expected " + std::to_string(expected) +
                    " bytes, found " + std::to_string(file.size()),
                "the file is cut or damaged");
}

void Session::readInto(int sequence, const std::string &path) {
  HashedInput in{InputFile(path)};
  SavedHeader header;
  if (in.file.size() < sizeof(header))
    throw Error(path + ": not a saved session");
  in.read(&header, sizeof(header));
  checkHeader(header, in.file, *state, sequence);
  Sequence &restored = state->at(sequence);
  restored.tokens.resize(size_t(header.position));
  in.read(restored.tokens.data(), restored.tokens.size() * sizeof(int32_t));
  in.read(state->next(sequence), header.logitBytes);
  restored.hasNext = header.logitBytes > 0;
  state->pools.restore(
      sequence, header.position,
      [&](void *data, uint64_t bytes) { in.read(data, bytes); });
  auto hash = in.sha.finish();
  uint8_t stored[32];
  in.file.read(in.at, stored, sizeof(stored));
  if (std::memcmp(stored, hash.data(), sizeof(stored)) != 0)
    throw Error(path + ": its bytes do not match its hash",
                "the file was changed or damaged");
}

int Session::restore(const std::string &path) {
  int sequence = create();
  try {
    readInto(sequence, path);
  } catch (...) {
    release(sequence);
    throw;
  }
  return sequence;
}

} // namespace braid::rt
