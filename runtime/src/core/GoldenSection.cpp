//===- GoldenSection.cpp - golden logits as bytes of an artefact
//-----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GoldenShape.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cstring>

namespace braid::rt {

static uint64_t bytesFor(const braid_golden &header) {
  uint64_t row = 2 + 2 * uint64_t(header.top) + header.columns;
  return sizeof(header) +
         4 * (header.sequences + header.rows + row * header.rows);
}

uint64_t goldenBytes(int64_t vocabulary) {
  return bytesFor({{},
                   uint32_t(kSequences),
                   uint32_t(kRows),
                   uint32_t(std::min(kTop, vocabulary)),
                   uint32_t(std::min(kColumns, vocabulary))});
}

template <typename T>
static void append(std::string &bytes, const T *values, size_t count) {
  bytes.append(reinterpret_cast<const char *>(values), count * sizeof(T));
}

std::string encodeGolden(const Golden &golden) {
  const GoldenRow &first = golden.rows[0];
  braid_golden header{{},
                      uint32_t(golden.sequences.size()),
                      uint32_t(golden.rows.size()),
                      uint32_t(first.topIds.size()),
                      uint32_t(first.columns.size())};
  std::memcpy(header.magic, BRAID_GOLDEN_MAGIC, sizeof(header.magic));
  std::string bytes;
  append(bytes, &header, 1);
  for (const auto &ids : golden.sequences) {
    auto length = int32_t(ids.size());
    append(bytes, &length, 1);
  }
  for (const auto &ids : golden.sequences)
    append(bytes, ids.data(), ids.size());
  for (const GoldenRow &row : golden.rows) {
    append(bytes, &row.logSumExp, 1);
    append(bytes, &row.largest, 1);
    append(bytes, row.topIds.data(), row.topIds.size());
    append(bytes, row.topLogits.data(), row.topLogits.size());
    append(bytes, row.columns.data(), row.columns.size());
  }
  return bytes;
}

namespace {
/// Takes values off the front. The size was checked as a whole.
struct Source {
  std::string_view rest;
  template <typename T> std::vector<T> take(size_t count) {
    std::vector<T> values(count);
    std::memcpy(values.data(), rest.data(), count * sizeof(T));
    rest.remove_prefix(count * sizeof(T));
    return values;
  }
};
} // namespace

static braid_golden headerOf(std::string_view bytes, const std::string &name) {
  braid_golden header{};
  if (bytes.size() >= sizeof(header))
    std::memcpy(&header, bytes.data(), sizeof(header));
  bool sane = std::memcmp(header.magic, BRAID_GOLDEN_MAGIC, 8) == 0 &&
              header.sequences > 0 && header.sequences <= kSequences &&
              header.rows <= kRows && header.top > 0 && header.top <= kTop &&
              header.columns <= kColumns;
  if (!sane || bytesFor(header) != bytes.size())
    throw Error(name + ": damaged section " BRAID_SECTION_GOLDEN,
                "compile the model again");
  return header;
}

static Sequences takeSequences(Source &source, const braid_golden &header,
                               const std::string &name) {
  Sequences sequences;
  auto lengths = source.take<int32_t>(header.sequences);
  int64_t rows = 0, prompts = 0;
  for (int32_t length : lengths) {
    if (length < 3 || length > kGoldenContext)
      throw Error(name + ": golden sequence of " + std::to_string(length) +
                  " tokens, expected 3 to " + std::to_string(kGoldenContext));
    rows += length, prompts += length - 2;
  }
  if (rows != header.rows || prompts > kPromptRows)
    throw Error(name + ": golden sequences have " + std::to_string(rows) +
                " tokens, expected " + std::to_string(header.rows));
  for (int32_t length : lengths)
    sequences.push_back(source.take<int32_t>(size_t(length)));
  return sequences;
}

Golden decodeGolden(std::string_view bytes, const std::string &name) {
  braid_golden header = headerOf(bytes, name);
  Source source{bytes.substr(sizeof(header))};
  Golden golden;
  golden.sequences = takeSequences(source, header, name);
  for (uint32_t r = 0; r < header.rows; ++r) {
    GoldenRow &row = golden.rows.emplace_back();
    row.logSumExp = source.take<float>(1)[0];
    row.largest = source.take<float>(1)[0];
    row.topIds = source.take<int32_t>(header.top);
    row.topLogits = source.take<float>(header.top);
    row.columns = source.take<float>(header.columns);
    for (int32_t id : row.topIds)
      if (id < 0)
        throw Error(name + ": golden token " + std::to_string(id) +
                    ", expected a number from 0 on");
  }
  return golden;
}

} // namespace braid::rt
