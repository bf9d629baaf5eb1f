//===- GPULimitsTest.cpp - what fits a multiprocessor ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/GPULimits.h"

#include <gtest/gtest.h>

using namespace braid;

namespace {

int64_t blocks(const char *target, BlockUse use) {
  return residentBlocks(*limitsOf(target), use);
}

TEST(GPULimits, WhatEndsFirst) {
  EXPECT_EQ(blocks("sm_90a", {256, 32, 0}), 8);       // 64 warps
  EXPECT_EQ(blocks("sm_86", {256, 32, 0}), 6);        // 48 warps
  EXPECT_EQ(blocks("sm_90a", {32, 32, 0}), 32);       // blocks
  EXPECT_EQ(blocks("sm_86", {32, 32, 0}), 16);
  EXPECT_EQ(blocks("sm_90a", {256, 64, 0}), 4);       // registers
  EXPECT_EQ(blocks("sm_90a", {128, 255, 0}), 2);
  EXPECT_EQ(blocks("sm_90a", {256, 65, 0}), 3);       // in steps of 256 a warp
  EXPECT_EQ(blocks("sm_90a", {128, 32, 100000}), 2);  // shared memory
  EXPECT_EQ(blocks("sm_80", {128, 32, 100000}), 1);
  EXPECT_EQ(blocks("sm_120a", {128, 32, 200000}), 0); // more than there is
}

TEST(GPULimits, Occupancy) {
  EXPECT_DOUBLE_EQ(occupancy(*limitsOf("sm_90a"), {256, 64, 0}), 0.5);
  EXPECT_DOUBLE_EQ(occupancy(*limitsOf("sm_86"), {256, 32, 0}), 1.0);
  EXPECT_DOUBLE_EQ(occupancy(*limitsOf("sm_90a"), {1, 32, 0}), 0.5);
}

TEST(GPULimits, Names) {
  EXPECT_FALSE(limitsOf("sm_70"));
  EXPECT_EQ(oldestDriver("8.3"), "r545 (CUDA 12.3)");
  EXPECT_EQ(oldestDriver("7.0"), "");
}

} // namespace
