//===- SimDeviceTest.cpp - an artefact's GPU code on the simulator -------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "sim/Simulator.h"

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

TEST(SimDeviceTest, LaunchesThatNoDriverTakes) {
  Simulator simulator({{"k", nullptr, 1, 0}});
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
