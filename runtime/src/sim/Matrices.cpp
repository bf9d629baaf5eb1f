//===- Matrices.cpp - what a warp does with small matrices -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, "Warp-level matrix instructions". With group = lane / 4 and quad =
// lane % 4, a lane's word holds
//   of an 8 x 8 matrix      row group, columns 2 quad and 2 quad + 1
//   of A[16, 16], word i    row group + 8 (i % 2), columns 2 quad + 8 (i / 2)
//   of B[16, 8], word i     column group, rows 2 quad + 8 i
//   of C[16, 8], word i     row group + 8 (i / 2), column 2 quad + i % 2
//===----------------------------------------------------------------------===//
#include "Block.h"

#include <bit>
#include <cstring>

namespace braid::rt {

/// Whether the lane may read the 16 bytes that it points at, on behalf of all.
bool Block::readRow(SimThread &lane) {
  constexpr uint64_t kBytes = 16;
  if (!inShared(lane.row)) {
    note(lane, lane.site, "a row of a matrix is not in shared memory");
    return false;
  }
  auto offset = uint64_t(lane.row - shared);
  if (offset % kBytes != 0) {
    note(lane, lane.site, "a row of a matrix is at an address that is not a "
                          "multiple of 16 bytes");
    return false;
  }
  if (offset + kBytes > sharedBytes) {
    note(lane, lane.site, outOfShared(offset, kBytes));
    return false;
  }
  Accessor who = accessorOf(lane);
  who.thread = SharedShadow::kWholeWarp;
  SharedShadow::Fault fault = shadow.read(offset, kBytes, who);
  if (async.conflict(offset, offset + kBytes, /*write=*/false, lane.clock))
    fault = SharedShadow::Fault::InFlight;
  if (fault == SharedShadow::Fault::None)
    return true;
  note(lane, lane.site, describe(fault, offset, kBytes, /*write=*/false));
  return false;
}

void Block::loadMatrices(size_t first) {
  int32_t count = threads[first].value;
  bool transposed = threads[first].kind != 0;
  for (size_t m = 0; m < size_t(count); ++m) {
    uint16_t matrix[8][8];
    for (size_t r = 0; r < 8; ++r) {
      SimThread &lane = threads[first + 8 * m + r];
      if (!readRow(lane))
        return;
      std::memcpy(matrix[r], lane.row, sizeof(matrix[r]));
    }
    for (size_t lane = 0; lane < kWarp; ++lane) {
      size_t group = lane / 4, pair = lane % 4 * 2;
      auto at = [&](size_t column) -> uint32_t {
        return transposed ? matrix[column][group] : matrix[group][column];
      };
      threads[first + lane].words[m] = at(pair) | at(pair + 1) << 16;
    }
  }
}

static float lowHalf(uint32_t word) { return std::bit_cast<float>(word << 16); }
static float highHalf(uint32_t word) {
  return std::bit_cast<float>(word & 0xffff0000u);
}

/// Sums in ascending k from C on. Products of two bf16 are exact.
void Block::multiplyMatrices(size_t first) {
  float a[16][16], b[16][8], c[16][8];
  auto eachWord = [&](auto visit) {
    for (size_t lane = 0; lane < kWarp; ++lane)
      visit(threads[first + lane].words, lane / 4, lane % 4 * 2);
  };
  eachWord([&](const uint32_t *words, size_t group, size_t pair) {
    for (size_t i = 0; i < 4; ++i) {
      float *to = &a[group + 8 * (i % 2)][pair + 8 * (i / 2)];
      to[0] = lowHalf(words[i]), to[1] = highHalf(words[i]);
      c[group + 8 * (i / 2)][pair + i % 2] = std::bit_cast<float>(words[6 + i]);
    }
    for (size_t i = 0; i < 2; ++i) {
      b[pair + 8 * i][group] = lowHalf(words[4 + i]);
      b[pair + 8 * i + 1][group] = highHalf(words[4 + i]);
    }
  });
  for (size_t m = 0; m < 16; ++m)
    for (size_t k = 0; k < 16; ++k)
      for (size_t n = 0; n < 8; ++n)
        c[m][n] += a[m][k] * b[k][n];
  eachWord([&](uint32_t *words, size_t group, size_t pair) {
    for (size_t i = 0; i < 4; ++i)
      words[6 + i] =
          std::bit_cast<uint32_t>(c[group + 8 * (i / 2)][pair + i % 2]);
  });
}

} // namespace braid::rt
