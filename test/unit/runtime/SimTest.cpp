//===- SimTest.cpp - what the simulator runs and what it finds ------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels by hand, as nvvm-to-sim would make them: each fault that the simulator
// is there to find, beside the same kernel without it.
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "sim/Simulator.h"

#include <cstring>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

/// Announces an access and makes it.
template <typename T> T load(braid_sim *self, const char *site, T *address) {
  self->calls->access(self, site, address, sizeof(T), 0);
  return *address;
}
template <typename T>
void store(braid_sim *self, const char *site, T *address, T value) {
  self->calls->access(self, site, address, sizeof(T), 1);
  *address = value;
}
float *shared(braid_sim *self) { return static_cast<float *>(self->shared); }
float *buffer(const uint64_t *parameters) {
  return reinterpret_cast<float *>(parameters[0]);
}

struct SimTest : testing::Test {
  alignas(64) float data[256] = {};

  /// Runs a grid over `floats` of `data`; what went wrong, or nothing.
  std::string run(braid_sim_fn kernel, int64_t threads, int64_t blocks = 1,
                  int64_t floats = 256, uint64_t sharedBytes = 1024) {
    Simulator simulator({{"k", kernel, threads, sharedBytes}});
    uint64_t values[] = {uint64_t(data)};
    int64_t extents[] = {floats * 4};
    braid_step step{};
    simulator.begin(step);
    simulator.launch({0, {blocks, 1, 1}, 1, values, extents});
    try {
      simulator.end();
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  }
};

void number(braid_sim *self, const uint64_t *parameters) {
  int64_t at = self->block[0] * self->threads[0] + self->thread[0];
  store(self, "number: store", buffer(parameters) + at, float(at));
}

TEST_F(SimTest, EveryThreadOfEveryBlock) {
  EXPECT_EQ(run(number, 64, 4), "");
  for (int i = 0; i < 256; ++i)
    EXPECT_EQ(data[i], float(i));
}

TEST_F(SimTest, OutOfBounds) {
  EXPECT_EQ(run(number, 64, 4, /*floats=*/200),
            "simulated kernel number: store: block (3, 0, 0), thread 8: writes "
            "4 bytes outside of the buffers that the kernel was given");
  EXPECT_EQ(data[200], 0);
  auto beyond = [](braid_sim *self, const uint64_t *) {
    store(self, "beyond", shared(self) + 256, 1.0f);
  };
  EXPECT_NE(run(beyond, 1).find("out of bounds"), std::string::npos);
  EXPECT_EQ(run(beyond, 1, 1, 256, /*sharedBytes=*/1028), "");
}

TEST_F(SimTest, Misaligned) {
  auto odd = [](braid_sim *self, const uint64_t *parameters) {
    self->calls->access(self, "odd", buffer(parameters) + 1, 16, 0);
  };
  EXPECT_NE(run(odd, 1).find("is not a multiple"), std::string::npos);
  auto even = [](braid_sim *self, const uint64_t *parameters) {
    self->calls->access(self, "even", buffer(parameters) + 4, 16, 0);
  };
  EXPECT_EQ(run(even, 1), "");
}

TEST_F(SimTest, UninitialisedSharedMemory) {
  auto early = [](braid_sim *self, const uint64_t *) {
    load(self, "early", shared(self));
  };
  EXPECT_NE(run(early, 1).find("nothing has written"), std::string::npos);
  // What the block before left does not count.
  auto first = [](braid_sim *self, const uint64_t *) {
    if (self->block[0] == 0)
      store(self, "first", shared(self), 1.0f);
    else
      load(self, "second", shared(self));
  };
  EXPECT_NE(run(first, 1, 2).find("block (1, 0, 0)"), std::string::npos);
}

template <bool WithBarrier>
void exchange(braid_sim *self, const uint64_t *parameters) {
  int64_t t = self->thread[0];
  store(self, "exchange: store", shared(self) + t, float(t));
  if (WithBarrier)
    self->calls->barrier(self, "exchange: barrier");
  float other = load(self, "exchange: load", shared(self) + (t + 40) % 64);
  store(self, "exchange: out", buffer(parameters) + t, other);
}

TEST_F(SimTest, Races) {
  EXPECT_EQ(run(exchange<true>, 64), "");
  for (int t = 0; t < 64; ++t)
    EXPECT_EQ(data[t], float((t + 40) % 64));
  EXPECT_NE(run(exchange<false>, 64), "");
  auto both = [](braid_sim *self, const uint64_t *) {
    store(self, "both", shared(self), 1.0f);
  };
  EXPECT_NE(run(both, 2).find("without a barrier"), std::string::npos);
  auto readThenWrite = [](braid_sim *self, const uint64_t *) {
    if (self->thread[0] == 0)
      store(self, "w", shared(self), 1.0f);
    self->calls->barrier(self, "b");
    load(self, "r", shared(self));
    if (self->thread[0] == 33)
      store(self, "w", shared(self), 2.0f);
  };
  EXPECT_NE(run(readThenWrite, 64).find("has read"), std::string::npos);
}

TEST_F(SimTest, WarpsOrderTheirLanes) {
  auto lanes = [](braid_sim *self, const uint64_t *) {
    int64_t t = self->thread[0];
    store(self, "s", shared(self) + t, float(t));
    self->calls->sync_warp(self, "w", -1);
    load(self, "l", shared(self) + (t ^ 1));
  };
  EXPECT_EQ(run(lanes, 32), "");
  auto warps = [](braid_sim *self, const uint64_t *) {
    int64_t t = self->thread[0];
    store(self, "s", shared(self) + t, float(t));
    self->calls->sync_warp(self, "w", -1);
    load(self, "l", shared(self) + (t ^ 32));
  };
  EXPECT_NE(run(warps, 64), "");
}

TEST_F(SimTest, DivergentBarrier) {
  auto some = [](braid_sim *self, const uint64_t *) {
    if (self->thread[0] < 32)
      self->calls->barrier(self, "some");
  };
  EXPECT_NE(run(some, 64).find("divergent barrier"), std::string::npos);
  EXPECT_EQ(run(some, 32), "");
}

void sumWarp(braid_sim *self, const uint64_t *parameters) {
  int32_t value = int32_t(self->thread[0]);
  for (int mask = 16; mask; mask /= 2)
    value += int32_t(self->calls->shuffle(self, "sum", -1, value, mask, 31, 0));
  store(self, "out", buffer(parameters) + self->thread[0], float(value));
}

TEST_F(SimTest, Shuffles) {
  EXPECT_EQ(run(sumWarp, 32), "");
  for (int t = 0; t < 32; ++t)
    EXPECT_EQ(data[t], 496);
  auto half = [](braid_sim *self, const uint64_t *) {
    if (self->thread[0] < 16)
      self->calls->shuffle(self, "half", -1, 0, 1, 31, 0);
  };
  EXPECT_NE(run(half, 32).find("divergent warp"), std::string::npos);
}

TEST_F(SimTest, LaunchesThatNoDriverTakes) {
  Simulator simulator({{"k", number, 1, 0}});
  braid_step step{};
  auto launched = [&](const braid_launch &launch) {
    simulator.begin(step);
    simulator.launch(launch);
    return errorOf([&] { simulator.end(); });
  };
  EXPECT_NE(launched({7, {1, 1, 1}, 0, nullptr, nullptr}).find("number 7"),
            std::string::npos);
  EXPECT_NE(launched({0, {1, 70000, 1}, 0, nullptr, nullptr}).find("65535"),
            std::string::npos);
  EXPECT_NE(launched({0, {-1, 1, 1}, 0, nullptr, nullptr}).find("grid"),
            std::string::npos);
}

/// The fake model's GPU code gives what its CPU code gives.
TEST(SimDeviceTest, RunsTheStepOfItsTarget) {
  FakeModel model;
  auto on = [&](const std::string &device) {
    EngineOptions options;
    options.device = device;
    auto engine = model.open(options);
    Session session(*engine);
    return logitsOf(session, session.create(), {3, 1, 4, 1, 5, 9}, 2);
  };
  EXPECT_EQ(on("sim"), on("cpu"));
  EXPECT_EQ(on("sim:sm_90a"), on("cpu"));
}

TEST(SimDeviceTest, Refusals) {
  FakeModel model;
  auto refused = [&](const std::string &device) {
    EngineOptions options;
    options.device = device;
    return errorOf([&] { model.open(options); });
  };
  std::string file = model.artifact();
  EXPECT_EQ(refused("sim:sm_80"),
            file + ": has no code for 'sm_80', only for sm_90a");
  EXPECT_NE(refused("gpu").find("expected auto, cpu"), std::string::npos);
  model.edit("\"sim\": \"sim_sm_90a_all\"", "\"tim\": \"sim_sm_90a_all\"");
  EXPECT_EQ(refused("sim"),
            file + ": its code for sm_90a cannot be simulated");
  model.edit("\"tim\": \"sim_sm_90a_all\"", "\"sim\": \"sim_sm_90a_any\"");
  EXPECT_NE(refused("sim").find("has no function \"sim_sm_90a_any\""),
            std::string::npos);
  model.edit("\"gpus\": [", "\"cpus\": [");
  EXPECT_EQ(refused("sim"), file + ": has no code for a GPU");
}

} // namespace
