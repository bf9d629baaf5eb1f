//===- Safetensors.cpp - the header of one safetensors file ---------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layout: a little-endian 64-bit length, that many bytes of JSON, data. Offsets
// in the JSON count from the start of the data.
//===----------------------------------------------------------------------===//
#include "Safetensors.h"
#include "TempFile.h"
#include "braid-rt/error.h"
#include "braid-rt/json.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace braid::rt {

static_assert(std::endian::native == std::endian::little);

/// The format's own limit.
static constexpr uint64_t maxHeaderBytes = 100'000'000;

unsigned elementBytes(std::string_view dtype) {
  static constexpr std::pair<std::string_view, unsigned> known[] = {
      {"BOOL", 1},    {"U8", 1},      {"I8", 1},  {"F8_E4M3", 1},
      {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"U16", 2}, {"I16", 2},
      {"F16", 2},     {"BF16", 2},    {"U32", 4}, {"I32", 4},
      {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};
  for (auto [name, bytes] : known)
    if (name == dtype)
      return bytes;
  return 0;
}

std::optional<uint64_t> tensorBytes(std::string_view dtype,
                                    const std::vector<int64_t> &shape) {
  uint64_t bytes = elementBytes(dtype);
  if (bytes == 0)
    return std::nullopt;
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes))
      return std::nullopt;
  return bytes;
}

static std::string range(uint64_t begin, uint64_t end) {
  return std::to_string(begin) + ".." + std::to_string(end);
}

static constexpr const char *downloadAgain =
    "the download is unfinished or damaged; fetch the file again";

std::string readHeaderBytes(const InputFile &file) {
  char start[64];
  size_t known = size_t(std::min<uint64_t>(file.size(), sizeof(start)));
  file.read(0, start, known);
  refuseFailedDownload(file.path(), {start, known}, "safetensors");
  uint64_t length = 0;
  if (file.size() >= 8)
    file.read(0, &length, 8);
  else
    throw Error(file.path() + ": expected at least 8 bytes, found " +
                    std::to_string(file.size()),
                downloadAgain);
  if (length > maxHeaderBytes)
    throw Error(file.path() + ": expected a header of at most " +
                std::to_string(maxHeaderBytes) + " bytes, found a length of " +
                std::to_string(length));
  if (length > file.size() - 8)
    throw Error(file.path() + ": header of " + std::to_string(length) +
                    " bytes does not fit in the file of " +
                    std::to_string(file.size()) + " bytes",
                downloadAgain);
  std::string bytes(size_t(8 + length), '\0');
  file.read(0, bytes.data(), bytes.size());
  return bytes;
}

namespace {
/// One entry of the header; its messages begin with file and tensor.
class EntryReader {
public:
  EntryReader(const std::string &file, const std::string &name,
              const Json &entry)
      : where(file + ": tensor '" + name.substr(0, 200) + "'"), entry(entry) {}

  /// `begin` of the data and its size in bytes.
  TensorInfo read(uint64_t dataStart, uint64_t dataBytes) const {
    TensorInfo info;
    info.dtype = field("dtype", Json::value_t::string).get<std::string>();
    for (const Json &extent : field("shape", Json::value_t::array))
      info.shape.push_back(int64_t(unsignedOf(extent, "shape")));
    const Json &offsets = field("data_offsets", Json::value_t::array);
    if (offsets.size() != 2)
      fail("expected two data_offsets, found " +
           std::to_string(offsets.size()));
    uint64_t begin = unsignedOf(offsets[0], "data_offsets");
    uint64_t end = unsignedOf(offsets[1], "data_offsets");
    if (begin > end)
      fail("data_offsets " + range(begin, end) + " are reversed");
    if (end > dataBytes)
      fail("data_offsets " + range(begin, end) + " lie outside the " +
               std::to_string(dataBytes) + " bytes of data",
           downloadAgain);
    checkSize(info, end - begin);
    info.offset = dataStart + begin;
    info.bytes = end - begin;
    return info;
  }

private:
  [[noreturn]] void fail(const std::string &what,
                         const std::string &hint = {}) const {
    throw Error(where + ": " + what, hint);
  }
  const Json &field(const char *key, Json::value_t type) const {
    if (!entry.is_object())
      fail("expected an object, found " + std::string(entry.type_name()));
    auto it = entry.find(key);
    if (it == entry.end() || it->type() != type)
      fail(std::string("expected ") + key + " as " +
           (type == Json::value_t::array ? "an array" : "a string") +
           (it == entry.end() ? ", found none"
                              : ", found " + std::string(it->type_name())));
    return *it;
  }
  uint64_t unsignedOf(const Json &value, const char *key) const {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX)
      fail(std::string("expected ") + key +
           " of non-negative integers, found " +
           value.dump(-1, ' ', true, Json::error_handler_t::replace)
               .substr(0, 40));
    return value.get<uint64_t>();
  }
  void checkSize(const TensorInfo &info, uint64_t found) const {
    if (elementBytes(info.dtype) == 0)
      fail("unknown dtype '" + info.dtype.substr(0, 40) + "'");
    std::optional<uint64_t> expected = tensorBytes(info.dtype, info.shape);
    if (!expected)
      fail("shape is too large");
    if (*expected != found)
      fail("expected " + std::to_string(*expected) + " bytes for dtype " +
           info.dtype + " and its shape, found " + std::to_string(found));
  }

  std::string where;
  const Json &entry;
};
} // namespace

/// REQUIRES: sorted by offset.
static void checkCoverage(const std::string &file, const NamedTensors &tensors,
                          uint64_t dataStart, uint64_t fileBytes) {
  uint64_t reached = dataStart;
  const std::string *previous = nullptr;
  for (const auto &[name, info] : tensors) {
    if (info.offset < reached)
      throw Error(file + ": tensor '" + name + "' at offset " +
                  std::to_string(info.offset) + " overlaps tensor '" +
                  *previous + "', which ends at " + std::to_string(reached));
    if (info.offset > reached)
      throw Error(file + ": bytes " + range(reached, info.offset) +
                  " before tensor '" + name + "' belong to no tensor");
    reached = info.offset + info.bytes;
    previous = &name;
  }
  if (reached != fileBytes)
    throw Error(file + ": bytes " + range(reached, fileBytes) +
                " at the end belong to no tensor");
}

NamedTensors readSafetensorsHeader(const InputFile &file, uint32_t fileIndex) {
  const std::string &path = file.path();
  std::string bytes = readHeaderBytes(file);
  Json header = parseJson(std::string_view(bytes).substr(8), path + " (header)",
                          {.maxBytes = maxHeaderBytes, .maxDepth = 8});
  if (!header.is_object())
    throw Error(path + ": expected the header to be an object, found " +
                header.type_name());
  NamedTensors tensors;
  tensors.reserve(header.size());
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__")
      continue;
    tensors.emplace_back(name,
                         EntryReader(path, name, entry)
                             .read(bytes.size(), file.size() - bytes.size()));
    tensors.back().second.file = fileIndex;
  }
  // Empty tensors share their offset with the next one and come first.
  std::sort(tensors.begin(), tensors.end(), [](const auto &a, const auto &b) {
    return std::pair(a.second.offset, a.second.bytes) <
           std::pair(b.second.offset, b.second.bytes);
  });
  checkCoverage(path, tensors, bytes.size(), file.size());
  return tensors;
}

void writeSafetensors(const std::string &path,
                      const std::vector<TensorToWrite> &tensors) {
  Json header = Json::object();
  uint64_t offset = 0;
  for (const TensorToWrite &t : tensors) {
    if (tensorBytes(t.dtype, t.shape) != t.bytes || header.contains(t.name))
      throw Error(path + ": tensor '" + t.name +
                  "' cannot be written: its size contradicts dtype and shape, "
                  "or it comes twice");
    header[t.name] = {{"dtype", t.dtype},
                      {"shape", t.shape},
                      {"data_offsets", {offset, offset + t.bytes}}};
    offset += t.bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' '); // Data starts aligned.
  uint64_t length = text.size();
  TempFile out(path);
  out.write(&length, 8);
  out.write(text.data(), text.size());
  for (const TensorToWrite &t : tensors)
    out.write(t.data, t.bytes);
  out.commit();
}

} // namespace braid::rt
