//===- Wgmma.cpp - what a warpgroup does with matrices --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, "Asynchronous warpgroup level matrix instructions". Warp w of the
// four has rows 16 w to 16 w + 15 of A and C; in them the words of a lane are
// those of mma.sync (Matrices.cpp), with four words of C for each eight columns.
// B is rows of K in shared memory, eight at a time at multiples of the stride,
// with swizzling of 128 bytes.
//
// The sum is there at once. That nobody may look at it before its group was
// waited for, and that nobody may write B, is checked.
//===----------------------------------------------------------------------===//
#include "Block.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace braid::rt {

static constexpr size_t kGroup = 4 * Block::kWarp;
static constexpr size_t kDepth = 16;

namespace {
/// What the bits of a descriptor say.
struct Descriptor {
  uint64_t start, stride;
  bool known; ///< Swizzled as expected, and nothing else set.

  explicit Descriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), stride((bits >> 32 & 0x3fff) << 4),
        known(bits >> 62 == 1 && (bits >> 46 & 0xffff) == 0) {}
};
} // namespace

void Block::wgmma(SimThread &thread, const char *site, uint32_t *words,
                  int32_t n, uint64_t b) {
  if (!thread.wgmmaFenced)
    fail(thread, site, "no wgmma.fence since the registers were written");
  thread.words = words, thread.value = n, thread.descriptor = b;
  thread.state = SimThread::State::AtWarpgroup;
  thread.site = site;
  thread.fiber.pause();
}

void Block::fenceWgmma(SimThread &thread, const char *site) {
  thread.wgmmaSteps.push_back(site);
  thread.wgmmaFenced = true;
}

void Block::commitWgmma(SimThread &thread, const char *site) {
  thread.wgmmaSteps.push_back(site);
  ++thread.wgmmaGroups;
  thread.wgmmaOpen = thread.wgmmaFenced = false;
}

void Block::waitWgmma(SimThread &thread, const char *site, uint32_t groups) {
  thread.wgmmaSteps.push_back(site);
  uint32_t over = thread.wgmmaGroups - std::min(groups, thread.wgmmaGroups);
  thread.clock.advance(thread.number / kWarp, over);
}

/// Sums of a group that is under way cannot be told from others.
void Block::readSum(SimThread &thread, const char *site) {
  if (thread.wgmmaOpen ||
      thread.clock[thread.number / kWarp] < thread.wgmmaGroups)
    fail(thread, site, "reads a sum of wgmma that has not been waited for");
}

/// Whether all threads of the warpgroup are at the same place.
bool Block::isWhole(size_t first) const {
  for (size_t i = first; i < first + kGroup; ++i)
    if (i >= count || threads[i].state != SimThread::State::AtWarpgroup ||
        threads[i].site != threads[first].site)
      return false;
  return true;
}

/// These ops are for whole warps. Here a thread does them by itself, so whether
/// its warp did the same is seen later.
bool Block::compareSteps(size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const std::vector<const char *> &own = threads[i].wgmmaSteps,
                                    &lead = threads[i - i % kWarp].wgmmaSteps;
    auto [a, b] = std::ranges::mismatch(own, lead);
    if (a == own.end() && b == lead.end())
      continue;
    note(threads[i], a == own.end() ? *b : *a,
         "divergent warp: not all of its threads come to this op");
    return false;
  }
  for (size_t i = first; i < last; ++i)
    threads[i].wgmmaSteps.clear();
  return true;
}

bool Block::releaseWarpgroups() {
  bool released = false;
  for (size_t first = 0; first < count; first += kGroup) {
    if (!isWhole(first))
      continue;
    multiplyWarpgroup(first);
    for (size_t i = first; i < first + kGroup; ++i)
      threads[i].state = SimThread::State::Ready;
    released = true;
  }
  return released;
}

//===----------------------------------------------------------------------===//
// B
//===----------------------------------------------------------------------===//

/// Rows of 16 of B as f32; false if something is wrong.
bool Block::readB(size_t first, std::vector<float> &b) {
  SimThread &lead = threads[first];
  Descriptor of(lead.descriptor);
  auto wrong = [&](const std::string &what) {
    note(lead, lead.site, what);
    return false;
  };
  // Of the 128 bytes of a row a step may take any 32.
  if (!of.known || of.start % 1024 > 96 || of.start % 32 != 0)
    return wrong("a descriptor that has no simulation: rows of 128 bytes, "
                 "swizzled by as many, are expected");
  for (size_t n = 0; n < size_t(lead.value); ++n) {
    uint64_t row = of.start + n / 8 * of.stride + n % 8 * 128;
    for (uint64_t k = 0; k < kDepth; k += 8) {
      uint64_t plain = row + 2 * k, chunk = plain ^ (plain >> 3 & 0x70);
      if (!readChunk(first, chunk))
        return false;
      for (uint64_t i = 0; i < 8; ++i) {
        uint16_t half;
        std::memcpy(&half, shared + chunk + 2 * i, 2);
        b[(k + i) * size_t(lead.value) + n] =
            std::bit_cast<float>(uint32_t(half) << 16);
      }
    }
  }
  return true;
}

/// Whether 16 bytes may be read on behalf of the warpgroup.
bool Block::readChunk(size_t first, uint64_t offset) {
  constexpr uint64_t kBytes = 16;
  SimThread &lead = threads[first];
  if (offset + kBytes > sharedBytes) {
    note(lead, lead.site, outOfShared(offset, kBytes));
    return false;
  }
  using Fault = SharedShadow::Fault;
  auto fences = [&](uint16_t thread) { return threads[thread].fences; };
  Fault fault = shadow.look(offset, kBytes, accessorOf(lead));
  if (fault == Fault::None && !shadow.isFenced(offset, kBytes, fences))
    fault = Fault::Unfenced;
  if (fault == Fault::None)
    return true;
  note(lead, lead.site, describe(fault, offset, kBytes, /*write=*/false));
  return false;
}

/// All threads have to know what has been copied there, and use it from now on.
bool Block::useB(size_t first) {
  SimThread &lead = threads[first];
  Descriptor of(lead.descriptor);
  uint64_t begin = of.start / 1024 * 1024;
  uint64_t end = begin + size_t(lead.value - 1) / 8 * of.stride + 1024;
  for (size_t i = first; i < first + kGroup; ++i)
    if (async.conflict(begin, end, /*write=*/false, threads[i].clock)) {
      note(threads[i], lead.site,
           describe(SharedShadow::Fault::InFlight, begin, end - begin, false));
      return false;
    }
  for (size_t i = first; i < first + kGroup; i += kWarp)
    async.note({begin, end, i / kWarp, threads[i].wgmmaGroups + 1,
                /*writes=*/false, lead.site});
  return true;
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

/// Adds a lane's rows of A times B to its words of C, in ascending k.
static void multiplyRows(const float *a, const float *b, size_t n, float *c) {
  for (size_t k = 0; k < kDepth; ++k)
    for (size_t column = 0; column < n; ++column)
      c[column] += a[k] * b[k * n + column];
}

/// The sixteen rows of one warp.
static void multiplyWarp(SimThread *const *lanes, const float *b, size_t n) {
  float a[16][kDepth];
  std::vector<float> c(16 * n);
  auto eachSum = [&](auto visit) {
    for (size_t lane = 0; lane < Block::kWarp; ++lane)
      for (size_t i = 0; i < n / 2; ++i) {
        size_t row = lane / 4 + 8 * (i / 2 % 2);
        size_t column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        visit(lanes[lane]->words[i], c[row * n + column]);
      }
  };
  for (size_t lane = 0; lane < Block::kWarp; ++lane)
    for (size_t i = 0; i < 4; ++i) {
      uint32_t word = lanes[lane]->words[n / 2 + i];
      float *to = &a[lane / 4 + 8 * (i % 2)][lane % 4 * 2 + 8 * (i / 2)];
      to[0] = std::bit_cast<float>(word << 16);
      to[1] = std::bit_cast<float>(word & 0xffff0000u);
    }
  eachSum([](uint32_t word, float &sum) { sum = std::bit_cast<float>(word); });
  for (size_t row = 0; row < 16; ++row)
    multiplyRows(a[row], b, n, &c[row * n]);
  eachSum([](uint32_t &word, float sum) { word = std::bit_cast<uint32_t>(sum); });
}

void Block::multiplyWarpgroup(size_t first) {
  SimThread &lead = threads[first];
  auto n = size_t(lead.value);
  if (!compareSteps(first, first + kGroup))
    return;
  for (size_t i = first; i < first + kGroup; ++i)
    if (threads[i].descriptor != lead.descriptor)
      return note(threads[i], lead.site,
                  "another descriptor than in the rest of the warpgroup");
  std::vector<float> b(kDepth * n);
  if (!readB(first, b) || !useB(first))
    return;
  for (size_t warp = first; warp < first + kGroup; warp += kWarp) {
    SimThread *lanes[kWarp];
    for (size_t lane = 0; lane < kWarp; ++lane)
      lanes[lane] = &threads[warp + lane];
    multiplyWarp(lanes, b.data(), n);
  }
  for (size_t i = first; i < first + kGroup; ++i)
    threads[i].wgmmaOpen = true;
}

} // namespace braid::rt
