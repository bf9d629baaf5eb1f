//===- SimulatorAsyncTest.cpp - tiles, mbarriers and wgmma ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sim/Simulator.h"
#include "braid-rt/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>

using namespace braid::rt;
using testing::HasSubstr;

namespace {

constexpr int64_t kThreads = 128, kRows = 16, kColumns = 64;
constexpr int64_t kTile = kRows * kColumns * 2; ///< Bytes.
/// Two tiles, of which one is used by most tests, and a barrier for each.
constexpr int64_t kBarriers = 2 * kTile, kShared = kBarriers + 16;

/// What a test leaves out or does wrong.
enum class Fault {
  None,
  NoWait,        ///< For the tile.
  OtherParity,
  NoMbarrierFence,
  NoBarrier,     ///< Between initialisation and use.
  FewBytes,      ///< Expected.
  ManyBytes,
  TwoArrivals,
  OverMbarrier,
  NoWgmmaFence,
  NoCommit,
  NoGroupWait,
  LoneWait,      ///< Of one thread of a warp, or
  LoneFence,     ///< a fence, before wgmma, or
  LoneCommit,    ///< a commit, behind its group.
  Overwrite,     ///< B while it is in use, by a tile
  Store,         ///< or by a store.
  ByStores,      ///< B comes from stores.
  ByStoresUnfenced,
  OtherStride,
  Unswizzled,
  OtherDescriptor,
  Divergent,
  Abandoned,     ///< A tile when the block ends.
};

struct Thread {
  braid_sim *self;
  int64_t id = self->thread[0];
  const braid_sim_calls *calls = self->calls;

  char *shared(int64_t offset) const {
    return static_cast<char *>(self->shared) + offset;
  }
  void *mbarrier(int64_t i = 0) const { return shared(kBarriers + 8 * i); }
  void init(int64_t i, int32_t arrivals) const {
    calls->mbarrier_init(self, "kernel: init", mbarrier(i), arrivals);
  }
  void arrive(int64_t i, int32_t bytes = 0) const {
    calls->mbarrier_arrive(self, "kernel: arrive", mbarrier(i), bytes);
  }
  void wait(int64_t i, int32_t parity) const {
    EXPECT_EQ(calls->mbarrier_wait(self, "kernel: try_wait", mbarrier(i), parity),
              1);
  }
  void tile(const braid_tensor_map *map, int32_t column, int32_t row,
            int64_t to = 0, int64_t i = 0) const {
    calls->copy_tile(self, "kernel: tma", shared(to), map, column, row,
                     mbarrier(i));
  }
  void store(void *address, uint32_t value) const {
    calls->access(self, "kernel: store", address, 4, 1);
    std::memcpy(address, &value, 4);
  }
  uint64_t descriptor(uint64_t place = 0, uint64_t stride = 1024) const {
    return place >> 4 | stride >> 4 << 32 | uint64_t(1) << 62;
  }
};

uint32_t bits(float value) { return std::bit_cast<uint32_t>(value) >> 16; }
uint32_t pair(float low, float high) { return bits(low) | bits(high) << 16; }

/// x[row][column], small enough to be exact; and A.
float input(int64_t row, int64_t column) {
  return float((row * 7 + column * 3) % 11 - 5);
}
float weight(int64_t row, int64_t k) { return float((row * 5 + k) % 7 - 3); }

using Words = std::array<uint32_t, kRows / 2 + 4>;

/// C = 0 and this thread's part of A.
Words fragments(int64_t id) {
  Words words{};
  int64_t row = id / 32 * 16 + id % 32 / 4, k = id % 4 * 2;
  for (int64_t i = 0; i < 4; ++i) {
    int64_t r = row + 8 * (i % 2), c = k + 8 * (i / 2);
    words[size_t(kRows / 2 + i)] = pair(weight(r, c), weight(r, c + 1));
  }
  return words;
}

/// B of the step at column 16 as stores would leave it.
void storeB(const Thread &t) {
  for (int64_t i = t.id; i < kTile / 4; i += kThreads) {
    int64_t row = i / 32, column = i % 32 * 2;
    int64_t place = (column / 8 ^ row % 8) * 16 + column % 8 * 2;
    t.store(t.shared(row * 128 + place),
            pair(input(row, column), input(row, column + 1)));
  }
}

template <Fault fault>
void bringB(const Thread &t, const braid_tensor_map *map) {
  if (t.id == 0) {
    t.init(0, 1), t.init(1, 1);
    if (fault == Fault::OverMbarrier)
      t.store(t.mbarrier(), 0);
    if (fault != Fault::NoMbarrierFence)
      t.calls->fence_mbarriers(t.self, "kernel: fence");
  }
  if (fault != Fault::NoBarrier)
    t.calls->barrier(t.self, "kernel: barrier");
  if (fault == Fault::ByStores || fault == Fault::ByStoresUnfenced) {
    storeB(t);
    if (fault == Fault::ByStores)
      t.calls->fence_async(t.self, "kernel: proxy");
    t.calls->barrier(t.self, "kernel: barrier 2");
    return;
  }
  int32_t expected = fault == Fault::FewBytes    ? kTile / 2
                     : fault == Fault::ManyBytes ? kTile + 16
                                                 : kTile;
  if (t.id == 0) {
    t.arrive(0, expected);
    if (fault == Fault::TwoArrivals)
      t.arrive(0);
    t.tile(map, 0, 0);
  }
  if (fault != Fault::NoWait)
    t.wait(0, fault == Fault::OtherParity);
}

template <Fault fault> void multiply(const Thread &t, Words &words) {
  if (fault == Fault::Divergent && t.id == 77)
    return;
  if (fault != Fault::NoWgmmaFence)
    t.calls->wgmma_fence(t.self, "kernel: wgmma fence");
  if (fault == Fault::LoneFence && t.id == 40)
    t.calls->wgmma_fence(t.self, "kernel: lone fence");
  // The second step of four.
  uint64_t b = t.descriptor(32, fault == Fault::OtherStride ? 2048 : 1024);
  if (fault == Fault::Unswizzled)
    b &= ~(uint64_t(3) << 62);
  if (fault == Fault::OtherDescriptor && t.id == 5)
    b += 2;
  t.calls->wgmma(t.self, "kernel: wgmma", words.data(), int32_t(kRows), b);
  if (fault != Fault::NoCommit)
    t.calls->wgmma_commit(t.self, "kernel: commit");
}

template <Fault fault>
void kernel(Thread t, const braid_tensor_map *map, float *sums) {
  bringB<fault>(t, map);
  Words words = fragments(t.id);
  multiply<fault>(t, words);
  if (fault == Fault::Overwrite && t.id == 0)
    t.arrive(1, kTile), t.tile(map, 0, 0, 0, 1);
  if (fault == Fault::Store && t.id == 0)
    t.store(t.shared(0), 0);
  if (fault != Fault::NoGroupWait)
    t.calls->wgmma_wait(t.self, "kernel: wgmma wait", 0);
  if (fault == Fault::LoneCommit && t.id == 40)
    t.calls->wgmma_commit(t.self, "kernel: lone commit");
  if (fault == Fault::LoneCommit)
    t.calls->wgmma_wait(t.self, "kernel: wgmma wait", 0);
  if (fault == Fault::LoneWait && t.id == 40)
    t.calls->wgmma_wait(t.self, "kernel: lone wait", 1);
  t.calls->wgmma_read(t.self, "kernel: use");
  for (int64_t i = 0; i < kRows / 2; ++i) {
    int64_t row = t.id / 32 * 16 + t.id % 32 / 4 + 8 * (i / 2 % 2);
    int64_t column = i / 4 * 8 + t.id % 4 * 2 + i % 2;
    t.store(sums + row * kRows + column, words[size_t(i)]);
  }
  if (fault == Fault::Abandoned && t.id == 0)
    t.arrive(1, kTile), t.tile(map, 0, 0, kTile, 1);
}

struct SimulatorAsyncTest : testing::Test {
  std::vector<uint16_t> x;
  std::vector<float> sums = std::vector<float>(64 * kRows);
  braid_tensor_map map{nullptr, kRows, kColumns, 2 * kColumns, kRows};

  SimulatorAsyncTest() {
    for (int64_t row = 0; row < kRows; ++row)
      for (int64_t column = 0; column < kColumns; ++column)
        x.push_back(uint16_t(bits(input(row, column))));
    map.data = x.data();
  }
  std::string run(braid_sim_fn function, uint32_t seed = 1) {
    Simulator simulator({{"kernel", function, kThreads, kShared}}, seed);
    uint64_t values[] = {reinterpret_cast<uint64_t>(&map),
                         reinterpret_cast<uint64_t>(sums.data())};
    int64_t extents[] = {BRAID_TENSOR_MAP, int64_t(4 * sums.size())};
    try {
      simulator.begin(braid_step{});
      simulator.launch({0, {1, 1, 1}, 2, values, extents});
      simulator.end();
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  }
  template <Fault fault = Fault::None> std::string runKernel(uint32_t seed = 1) {
    return run(
        [](braid_sim *self, const uint64_t *parameters) {
          kernel<fault>(
              Thread{self},
              reinterpret_cast<const braid_tensor_map *>(parameters[0]),
              reinterpret_cast<float *>(parameters[1]));
        },
        seed);
  }
  template <Fault fault> void expect(const char *text) {
    for (uint32_t seed : {1, 2, 3})
      EXPECT_THAT(runKernel<fault>(seed), HasSubstr(text)) << int(fault);
  }
  void expectSums(int64_t rows = kRows, int64_t columns = kColumns) {
    for (int64_t m = 0; m < 64; ++m)
      for (int64_t n = 0; n < kRows; ++n) {
        float sum = 0;
        for (int64_t k = 0; k < 16; ++k)
          if (n < rows && 16 + k < columns)
            sum += weight(m, k) * input(n, 16 + k);
        EXPECT_EQ(sums[size_t(m * kRows + n)], sum) << m << ' ' << n;
      }
  }
};

TEST_F(SimulatorAsyncTest, MultipliesWhatWasCopied) {
  for (uint32_t seed : {1, 2, 3}) {
    EXPECT_EQ(runKernel(seed), "");
    expectSums();
  }
}

TEST_F(SimulatorAsyncTest, MultipliesWhatWasStored) {
  EXPECT_EQ(runKernel<Fault::ByStores>(), "");
  expectSums();
}

/// What does not exist is zero, whatever lies there.
TEST_F(SimulatorAsyncTest, ZerosBeyondTheLastRowAndColumn) {
  map.rows = 13, map.columns = 27;
  EXPECT_EQ(runKernel(), "");
  expectSums(13, 27);
}

TEST_F(SimulatorAsyncTest, TilesHaveToBeWaitedFor) {
  expect<Fault::NoWait>("read, and an asynchronous copy to them has not been "
                        "waited for");
  // The phase before the first one counts as complete, but not for long.
  expect<Fault::OtherParity>("waits in vain for phase 1");
  expect<Fault::Abandoned>("has not been waited for when the block ends");
}

TEST_F(SimulatorAsyncTest, Mbarriers) {
  expect<Fault::NoMbarrierFence>("no fence has made the mbarrier at 4096 "
                                 "visible");
  expect<Fault::NoBarrier>("thread 0 has written them without a barrier");
  expect<Fault::FewBytes>("waits in vain for phase 0 of the mbarrier at 4096, "
                          "which lacks 0 arrivals and -1024 bytes");
  expect<Fault::ManyBytes>("lacks 0 arrivals and 16 bytes");
  expect<Fault::TwoArrivals>("once more than its phase has arrivals");
  expect<Fault::OverMbarrier>("writes over an mbarrier");
}

TEST_F(SimulatorAsyncTest, Wgmma) {
  expect<Fault::NoWgmmaFence>("no wgmma.fence since");
  expect<Fault::NoCommit>("kernel: use: block (0, 0, 0), thread 0: reads a sum "
                          "of wgmma that has not been waited for");
  expect<Fault::NoGroupWait>("has not been waited for");
  expect<Fault::LoneWait>("kernel: lone wait: block (0, 0, 0), thread 40: "
                          "divergent warp");
  expect<Fault::LoneCommit>("kernel: lone commit: block (0, 0, 0), thread 40: "
                            "divergent warp");
  expect<Fault::LoneFence>("kernel: lone fence: block (0, 0, 0), thread 40: "
                           "divergent warp");
  expect<Fault::Overwrite>("wgmma that reads them has not been waited for");
  expect<Fault::Store>("wgmma that reads them has not been waited for");
  expect<Fault::ByStoresUnfenced>("no fence.proxy.async has made their writing "
                                  "visible");
  expect<Fault::OtherStride>("nothing has written them");
  expect<Fault::Unswizzled>("a descriptor that has no simulation");
  expect<Fault::OtherDescriptor>("another descriptor");
  expect<Fault::Divergent>("divergent warpgroup");
}

/// A thread learns from the arrivals of others that B is free again.
TEST_F(SimulatorAsyncTest, MbarriersPassOnWhatIsOver) {
  auto ring = [](braid_sim *self, const uint64_t *parameters) {
    Thread t{self};
    auto *map = reinterpret_cast<const braid_tensor_map *>(parameters[0]);
    bringB<Fault::None>(t, map);
    Words words = fragments(t.id);
    multiply<Fault::None>(t, words);
    t.calls->wgmma_wait(self, "kernel: wgmma wait", 0);
    t.calls->barrier(self, "kernel: barrier");
    if (t.id == 0)
      t.arrive(1); // For all of them.
    t.wait(1, 0);
    if (t.id == 64)
      t.arrive(0, kTile), t.tile(map, 0, 0);
    t.wait(0, 1);
    multiply<Fault::None>(t, words);
    t.calls->wgmma_wait(self, "kernel: wgmma wait", 0);
  };
  EXPECT_EQ(run(ring), "");
  // Without the barrier thread 0 knows of its own warp only.
  auto early = [](braid_sim *self, const uint64_t *parameters) {
    Thread t{self};
    auto *map = reinterpret_cast<const braid_tensor_map *>(parameters[0]);
    bringB<Fault::None>(t, map);
    Words words = fragments(t.id);
    multiply<Fault::None>(t, words);
    t.calls->wgmma_wait(self, "kernel: wgmma wait", 0);
    if (t.id == 0)
      t.arrive(0, kTile), t.tile(map, 0, 0);
    t.wait(0, 1);
  };
  EXPECT_THAT(run(early), HasSubstr("thread 0: 2048 bytes of shared memory at 0 "
                                    "are written, and wgmma"));
}

TEST_F(SimulatorAsyncTest, MapsThatADriverRefuses) {
  for (auto spoil : {+[](braid_tensor_map &m) { m.row_bytes = 120; },
                     +[](braid_tensor_map &m) { m.tile_rows = 257; },
                     +[](braid_tensor_map &m) { m.rows = 0; },
                     +[](braid_tensor_map &m) {
                       m.data = static_cast<const char *>(m.data) + 2;
                     }}) {
    braid_tensor_map good = map;
    spoil(map);
    EXPECT_THAT(runKernel(), HasSubstr("parameter 0 is no tensor map"));
    map = good;
  }
}

/// Tiles lie where swizzled rows of 128 bytes can be found.
TEST_F(SimulatorAsyncTest, PlacesOfTiles) {
  auto aside = [](braid_sim *self, const uint64_t *parameters) {
    Thread t{self};
    if (t.id != 0)
      return;
    t.init(0, 1);
    t.calls->fence_mbarriers(self, "kernel: fence");
    t.tile(reinterpret_cast<const braid_tensor_map *>(parameters[0]), 0, 0,
           /*to=*/512);
  };
  EXPECT_THAT(run(aside), HasSubstr("512 in shared memory is not a multiple of "
                                    "1024"));
}

} // namespace
