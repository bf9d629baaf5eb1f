//===- CudaMemoryTest.cpp - a GPU's memory, and state that grows in it ----===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FakeGpu.h"
#include "core/Device.h"
#include "core/StatePools.h"

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

constexpr uint64_t kPage = uint64_t(2) << 20;

struct CudaMemory : testing::Test {
  FakeGpu gpu;
  Artifact artifact = Artifact::open(gpu.model.artifact());
  Code code{artifact};
  ThreadPool pool{1, 64};
  EngineOptions options = gpu.options();
  std::unique_ptr<Device> device = openDevice(artifact, code, pool, options);

  std::vector<uint8_t> read(const DeviceMemory &memory, uint64_t offset,
                            uint64_t bytes) {
    std::vector<uint8_t> found(bytes, 1);
    device->copyOut(found.data(), memory.data() + offset, bytes);
    return found;
  }
};

TEST_F(CudaMemory, IsZeroUntilWritten) {
  auto whole = device->allocate(5000, "a", Backing::Whole);
  EXPECT_EQ(read(*whole, 0, 5000), std::vector<uint8_t>(5000));
  auto grown = device->allocate(5 * kPage, "b", Backing::AsNeeded);
  grown->back(kPage - 8, 16); // Two pages.
  EXPECT_EQ(read(*grown, 0, 2 * kPage), std::vector<uint8_t>(2 * kPage));
}

TEST_F(CudaMemory, KeepsWhatIsWritten) {
  auto memory = device->allocate(5 * kPage, "a", Backing::AsNeeded);
  std::vector<uint8_t> data(100, 7);
  memory->back(0, 100);
  device->copyIn(memory->data(), data.data(), 100);
  memory->back(0, 5 * kPage); // Leaves the first page alone.
  EXPECT_EQ(FakeGpu::calls("cuMemCreate"), 2);
  device->copy(memory->data() + 4 * kPage, memory->data(), 100);
  EXPECT_EQ(read(*memory, 4 * kPage, 100), data);
  EXPECT_EQ(read(*memory, 0, 100), data);
}

TEST_F(CudaMemory, NothingIsSomething) {
  for (Backing backing : {Backing::Whole, Backing::AsNeeded})
    device->allocate(0, "nothing", backing)->back(0, 0);
}

/// A token takes 16 KiB, the tokens that memory is got for at once two pages.
TEST_F(CudaMemory, StateGrowsWithTokens) {
  Manifest manifest;
  manifest.pools.push_back({"k", "i32", {Pool::Slots, Pool::Context, 4096}, 4});
  StatePools pools(manifest, 3, 1000, *device);
  auto pieces = [] { return FakeGpu::calls("cuMemCreate"); };
  int before = pieces();
  pools.grow(0, 1);
  EXPECT_EQ(pieces(), before + 1);
  pools.grow(0, 256);
  EXPECT_EQ(pieces(), before + 1);
  pools.grow(0, 257);
  EXPECT_EQ(pieces(), before + 2);
  pools.grow(0, 1000);
  EXPECT_EQ(pieces(), before + 3);

  uint8_t next = 0;
  pools.restore(0, 700, [&](void *data, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; ++i)
      static_cast<uint8_t *>(data)[i] = uint8_t(next++ * 31);
  });
  auto saved = [&](int64_t slot) {
    std::vector<uint8_t> all;
    pools.save(slot, 700, [&](const void *data, uint64_t bytes) {
      auto *at = static_cast<const uint8_t *>(data);
      all.insert(all.end(), at, at + bytes);
    });
    return all;
  };
  pools.copy(0, 2, 700); // Another slot: gets room first.
  EXPECT_EQ(saved(2), saved(0));
  EXPECT_EQ(saved(2).size(), pools.bytesOf(2, 700));
}

} // namespace
