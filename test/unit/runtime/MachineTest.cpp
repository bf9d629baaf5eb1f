//===- MachineTest.cpp - what this machine offers -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/machine.h"
#include "Fake.h"

#include <sys/resource.h>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

TEST(Machine, RefusesWhatDoesNotFit) {
  EXPECT_NO_THROW(requireMemory("weights", 100, 100, ""));
  try {
    requireMemory("m.braid: weights", 101, 100, "take a smaller one");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "m.braid: weights: 101 bytes of memory are "
                               "needed, 100 are available");
    EXPECT_EQ(error.hint, "take a smaller one");
  }
}

TEST(Machine, AvailableMemoryIsPartOfThePhysical) {
  EXPECT_GT(availableMemory(), uint64_t(1) << 20);
  EXPECT_LE(availableMemory(), physicalMemory());
}

/// For a child process.
[[noreturn]] void exitWithinLimit(rlim_t bytes) {
  rlimit limit{bytes, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
  _exit(availableMemory() <= bytes ? 0 : 1);
}

TEST(Machine, AvailableMemoryKeepsToTheLimitOfTheProcess) {
  EXPECT_EXIT(exitWithinLimit(64 << 20), testing::ExitedWithCode(0), "");
}

} // namespace
