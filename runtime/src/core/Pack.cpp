//===- Pack.cpp - stored tensors into packed weights ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Pack.h"
#include "Sha256.h"
#include "Synthetic.h"
#include "TempFile.h"
#include "braid-rt/error.h"
#include "braid-rt/machine.h"
#include "braid-rt/weights.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <mutex>

namespace braid::rt {

/// Prepared and then written at a time; also the step of progress.
static constexpr uint64_t kWindowBytes = uint64_t(64) << 20;

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (int64_t dim : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(dim);
  return text + "]";
}

const TensorInfo &CheckpointReader::find(const Piece &piece,
                                         const WeightSource &source) const {
  std::string name = piece.entry->sourceName(source, piece.layer, piece.expert);
  if (const TensorInfo *tensor = checkpoint.find(name))
    return *tensor;
  throw Error(where + ": has no tensor " + name);
}

void CheckpointReader::check(const Piece &piece,
                             const WeightSource &source) const {
  const TensorInfo &tensor = find(piece, source);
  std::vector<int64_t> shape = source.shape;
  if (source.stacked)
    shape.insert(shape.begin(), piece.entry->experts);
  if (tensor.dtype == source.dtype && tensor.shape == shape)
    return;
  throw Error(where + ": tensor " +
              piece.entry->sourceName(source, piece.layer, piece.expert) +
              ": expected " + source.dtype + " " + shapeText(shape) +
              ", found " + tensor.dtype + " " + shapeText(tensor.shape));
}

/// Whether no number has all bits of `infinity` set, as Inf and NaN have; but
/// -Inf may stand for what is never chosen, such as an expert. A byte has none.
template <typename Word>
static bool allFinite(const void *data, uint64_t bytes, Word infinity) {
  constexpr Word sign = Word(1) << (8 * sizeof(Word) - 1);
  auto *words = static_cast<const Word *>(data);
  return std::none_of(words, words + bytes / sizeof(Word), [=](Word word) {
    bool masks = sizeof(Word) > 1 && word == Word(infinity | sign);
    return (word & infinity) == infinity && !masks;
  });
}

static bool isFinite(const WeightSource &source, const void *data) {
  if (source.dtype == "F32")
    return allFinite<uint32_t>(data, source.bytes(), 0x7F800000);
  if (source.dtype == "BF16")
    return allFinite<uint16_t>(data, source.bytes(), 0x7F80);
  if (source.dtype == "F16")
    return allFinite<uint16_t>(data, source.bytes(), 0x7C00);
  if (source.dtype == "F8_E4M3")
    return allFinite<uint8_t>(data, source.bytes(), 0x7F);
  return true;
}

const void *CheckpointReader::read(const Piece &piece,
                                   const WeightSource &source,
                                   std::byte *buffer) const {
  const TensorInfo &tensor = find(piece, source);
  const std::byte *data = checkpoint.data(tensor);
  if (source.stacked)
    data += uint64_t(piece.expert) * source.bytes();
  // Files may hold tensors at any address; compiled code expects whole words.
  if (reinterpret_cast<uintptr_t>(data) % 8 != 0) {
    std::memcpy(buffer, data, source.bytes());
    data = buffer;
  }
  if (!isFinite(source, data))
    throw Error(checkpoint.files()[tensor.file] + ": tensor " +
                    piece.entry->sourceName(source, piece.layer, piece.expert) +
                    ": expected finite numbers (or -infinity), found NaN or "
                    "infinity",
                "the checkpoint is damaged; fetch it again");
  return data;
}

void SyntheticReader::check(const Piece &piece,
                            const WeightSource &source) const {
  if (source.init.empty())
    throw Error(piece.entry->sourceName(source, piece.layer, piece.expert) +
                ": cannot be made up: the artefact does not say how");
}

const void *SyntheticReader::read(const Piece &piece,
                                  const WeightSource &source,
                                  std::byte *buffer) const {
  uint64_t first =
      source.stacked ? uint64_t(piece.expert) * source.elements() : 0;
  fillSynthetic(seed,
                piece.entry->sourceName(source, piece.layer, piece.expert),
                source, first, buffer);
  return buffer;
}

Packer::Packer(const WeightPlan &plan, const Code &code,
               const SourceReader &sources, ThreadPool &pool)
    : sources(sources), pool(pool) {
  for (const WeightEntry &entry : plan.entries) {
    functions[entry.prepare] = code.prepare(entry.prepare);
    for (int64_t j = 0; j < int64_t(entry.layers.size()); ++j)
      for (int64_t e = 0; e < entry.piecesPerLayer(); ++e)
        all.push_back({&entry, j, e, entry.pieceOffset(j, e)});
  }
  for (const Piece &piece : all)
    for (const WeightSource &source : piece.entry->sources)
      sources.check(piece, source);
  std::sort(all.begin(), all.end(),
            [](const Piece &a, const Piece &b) { return a.offset < b.offset; });
  for (size_t i = 1; i < all.size(); ++i)
    if (all[i].offset < all[i - 1].end())
      throw Error("manifest: weights " + all[i - 1].entry->name + " and " +
                  all[i].entry->name + " overlap at offset " +
                  std::to_string(all[i].offset));
}

/// A source's share of a buffer.
static uint64_t roomFor(const WeightSource &source) {
  return (source.bytes() + BRAID_ALIGNMENT - 1) / BRAID_ALIGNMENT *
         BRAID_ALIGNMENT;
}

static uint64_t roomFor(const Piece &piece) {
  uint64_t bytes = 0;
  for (const WeightSource &source : piece.entry->sources)
    bytes += roomFor(source);
  return bytes;
}

/// Reads the sources of some pieces and calls their functions.
void Packer::prepare(std::span<const Piece> some, std::byte *to,
                     uint64_t base) const {
  uint64_t room = 0;
  for (const Piece &piece : some)
    room = std::max(room, roomFor(piece));
  Region scratch(room, "buffer for stored tensors");
  std::vector<const void *> given;
  for (const Piece &piece : some) {
    given.clear();
    std::byte *buffer = scratch.data();
    for (const WeightSource &source : piece.entry->sources) {
      given.push_back(sources.read(piece, source, buffer));
      buffer += roomFor(source);
    }
    functions.at(piece.entry->prepare)(given.data(),
                                       to + (piece.offset - base));
  }
}

namespace {
/// What the threads of Packer::run share.
struct Job {
  const std::function<void(int64_t, int64_t)> &slice;
  std::mutex mutex;
  std::exception_ptr failure;

  static void body(void *context, int64_t lo, int64_t hi, void *) {
    Job &job = *static_cast<Job *>(context);
    try {
      job.slice(lo, hi);
    } catch (...) {
      std::lock_guard lock(job.mutex);
      job.failure = std::current_exception();
    }
  }
};
} // namespace

void Packer::run(std::span<const Piece> some, std::byte *to, uint64_t base) {
  std::function<void(int64_t, int64_t)> slice = [&](int64_t lo, int64_t hi) {
    prepare(some.subspan(size_t(lo), size_t(hi - lo)), to, base);
  };
  Job job{slice, {}, nullptr};
  pool.parallelFor(Job::body, &job, int64_t(some.size()), 1);
  if (job.failure)
    std::rethrow_exception(job.failure);
}

std::span<const Piece> nextWindow(std::span<const Piece> pieces) {
  size_t count = 1;
  while (count < pieces.size() &&
         pieces[count].end() <= pieces[0].offset + kWindowBytes)
    ++count;
  return pieces.first(count);
}

namespace {
/// Writes a weights file front to back, hashing what it writes.
class WeightsWriter {
public:
  WeightsWriter(const std::string &path, Packer &packer)
      : out(path), packer(packer) {
    WeightsHeader empty{};
    out.write(&empty, sizeof(empty));
  }
  uint64_t size() const { return out.size(); }

  /// Prepares pieces and writes them, and zeros around them up to `end`.
  void append(std::span<const Piece> some, uint64_t end) {
    uint64_t bytes = end - out.size();
    if (window.bytes() < bytes)
      window = Region(bytes, "buffer for packed weights");
    std::memset(window.data(), 0, bytes);
    packer.run(some, window.data(), out.size());
    data.update(window.data(), bytes);
    out.write(window.data(), bytes);
  }

  PackedFile finish() {
    WeightsHeader header{};
    auto hash = data.finish();
    std::memcpy(header.magic, BRAID_WEIGHTS_MAGIC, sizeof(header.magic));
    header.fileBytes = out.size();
    std::memcpy(header.dataSha256, hash.data(), hash.size());
    out.writeAt(0, &header, sizeof(header));
    out.commit();
    Sha256 headerHash;
    headerHash.update(&header, sizeof(header));
    return {out.size(), hexOf(hash), headerHash.finishHex()};
  }

private:
  TempFile out;
  Packer &packer;
  Sha256 data;
  Region window;
};
} // namespace

PackedFile preparePacked(const Artifact &artifact,
                         const std::string &checkpointDir,
                         const std::string &outPath, const Progress &progress,
                         int threads) {
  const WeightPlan &plan = artifact.manifest.weights;
  Code code(artifact);
  Checkpoint checkpoint = Checkpoint::open(checkpointDir);
  CheckpointReader reader(checkpoint, checkpointDir);
  ThreadPool pool(threads > 0 ? threads : defaultThreads(), 0);
  Packer packer(plan, code, reader, pool);
  WeightsWriter writer(outPath, packer);
  std::span<const Piece> rest = packer.pieces();
  while (!rest.empty()) {
    auto some = nextWindow(rest);
    rest = rest.subspan(some.size());
    writer.append(some, rest.empty() ? plan.bytes : rest[0].offset);
    if (progress)
      progress(writer.size(), plan.bytes);
  }
  return writer.finish();
}

} // namespace braid::rt
