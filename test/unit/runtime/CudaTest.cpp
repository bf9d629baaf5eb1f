//===- CudaTest.cpp - the step on a GPU that a fake driver plays ----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FakeGpu.h"
#include "cuda/CudaApi.h"

#include <cstring>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

struct CudaTest : testing::Test {
  FakeGpu gpu;

  std::vector<float> onCpu() {
    EngineOptions options = gpu.options();
    options.device = "cpu";
    return everything(*gpu.model.open(options), gpu.model.folder);
  }
};

TEST_F(CudaTest, IsTheCpuBitForBit) {
  std::vector<float> cpu = onCpu();
  EXPECT_EQ(everything(*gpu.open(), gpu.model.folder), cpu);
  EXPECT_EQ(FakeGpu::leftovers(), "");
}

TEST_F(CudaTest, SimulatorIsTheCpuToo) {
  EngineOptions options = gpu.options();
  options.device = "sim";
  EXPECT_EQ(everything(*gpu.model.open(options), gpu.model.folder), onCpu());
}

TEST_F(CudaTest, WithoutReservedAddresses) {
  std::vector<float> cpu = onCpu();
  gpu.set("reserve=0");
  auto engine = gpu.open();
  ASSERT_EQ(engine->notes().size(), 1u);
  EXPECT_NE(engine->notes()[0].find("reserves no addresses"), std::string::npos);
  EXPECT_EQ(everything(*engine, gpu.model.folder), cpu);
  EXPECT_EQ(FakeGpu::calls("cuMemCreate"), 0);
}

TEST_F(CudaTest, BlockingRecordsNothing) {
  std::vector<float> cpu = onCpu();
  setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
  auto engine = gpu.open();
  unsetenv("CUDA_LAUNCH_BLOCKING");
  EXPECT_EQ(everything(*engine, gpu.model.folder), cpu);
  EXPECT_EQ(FakeGpu::calls("cuGraphLaunch"), 0);
}

/// Decode steps of a class are launched by the host once.
TEST_F(CudaTest, ReplaysDecodeSteps) {
  auto engine = gpu.open();
  Session session(*engine);
  int a = session.create(), b = session.create();
  int32_t id = 1;
  auto feed = [&](std::vector<Feed> feeds) { session.step(feeds); };
  for (int i = 0; i < 5; ++i)
    feed({{a, {&id, 1}}, {b, {&id, 1}}});
  EXPECT_EQ(FakeGpu::calls("cuGraphInstantiate"), 1);
  for (int i = 0; i < 5; ++i)
    feed({{a, {&id, 1}}});
  feed({{b, {&id, 1}}}); // Another sequence, the same class.
  feed({{b, {&id, 1}, Logits::None}});
  EXPECT_EQ(FakeGpu::calls("cuGraphInstantiate"), 3);
  EXPECT_EQ(FakeGpu::calls("cuGraphLaunch"), 12);
  EXPECT_EQ(FakeGpu::calls("cuLaunchKernel"), 5);
}

/// A second session has other pools, and its own graphs.
TEST_F(CudaTest, SessionsDoNotMix) {
  auto engine = gpu.open();
  Session one(*engine), two(*engine);
  std::vector<int32_t> ids = {1, 2, 3, 4, 5};
  int a = one.create(), b = two.create();
  auto left = logitsOf(one, a, ids, 1);
  EXPECT_EQ(logitsOf(two, b, ids, 1), left);
  EXPECT_EQ(FakeGpu::calls("cuGraphInstantiate"), 2);
}

/// Memory follows the tokens; a slot that is used again takes no more.
TEST_F(CudaTest, StateGrows) {
  auto engine = gpu.open();
  Session session(*engine);
  int before = FakeGpu::calls("cuMemCreate");
  std::vector<int32_t> ids(20, 3);
  int sequence = session.create();
  logitsOf(session, sequence, ids, 20);
  int first = FakeGpu::calls("cuMemCreate");
  EXPECT_GT(first, before);
  session.release(sequence);
  logitsOf(session, session.create(), ids, 20);
  EXPECT_EQ(FakeGpu::calls("cuMemCreate"), first);
}

TEST_F(CudaTest, AutoTakesTheGpuThatFits) {
  EngineOptions options = gpu.options();
  options.device = "";
  EXPECT_EQ(gpu.model.open(options)->device(),
            "GPU 0, Fake GPU (compute capability 9.0), code for sm_90a");
  for (const char *settings : {"cc=8.0", "gpus=0", "driver=11080"}) {
    gpu.set(settings);
    auto engine = gpu.model.open(options);
    EXPECT_TRUE(engine->device().starts_with("the CPU")) << settings;
    ASSERT_EQ(engine->notes().size(), 1u);
    EXPECT_TRUE(engine->notes()[0].starts_with("device: the CPU, since "));
  }
  options.device = "cpu";
  EXPECT_TRUE(gpu.model.open(options)->notes().empty());
}

/// Whatever call fails, nothing crashes and nothing is left behind; and if no
/// error is told, nothing was lost.
TEST_F(CudaTest, AnyCallMayFail) {
  std::vector<float> cpu = onCpu();
  everything(*gpu.open(), gpu.model.folder);
  std::vector<std::pair<std::string, int>> functions;
#define COUNT(name, symbol, parameters)                                        \
  functions.emplace_back(#name, FakeGpu::calls(#name));
  BRAID_CUDA_FUNCTIONS(COUNT)
#undef COUNT
  int failures = 0, told = 0;
  for (auto &[name, calls] : functions)
    for (int n = 1; n <= calls; n += n < 12 ? 1 : 7) {
      gpu.set("fail=" + name + ":" + std::to_string(n) + ":999");
      ++failures;
      try {
        EXPECT_EQ(everything(*gpu.open(), gpu.model.folder), cpu)
            << name << " " << n;
      } catch (const Error &error) {
        ++told;
        EXPECT_NE(std::string(error.what()).find("999"), std::string::npos)
            << error.what();
      }
      ASSERT_EQ(FakeGpu::leftovers(), "") << name << " " << n;
    }
  EXPECT_GT(failures, 150);
  EXPECT_GT(told, failures / 2);
}

} // namespace
