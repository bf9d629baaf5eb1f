//===- SimulatorTest.cpp - kernels with and without faults ----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sim/Simulator.h"
#include "braid-rt/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <numeric>

using namespace braid::rt;
using testing::HasSubstr;

namespace {

constexpr int64_t kThreads = 64, kSharedWords = 256;

/// What generated code does for one thread: announce, then access.
struct Thread {
  braid_sim *self;
  int64_t id = self->thread[0];

  void touch(const void *address, int64_t bytes, bool write) const {
    self->calls->access(self, "kernel: op", const_cast<void *>(address), bytes,
                        write);
  }
  template <typename T> T load(const T *address) const {
    touch(address, sizeof(T), false);
    return *address;
  }
  template <typename T> void store(T *address, T value) const {
    touch(address, sizeof(T), true);
    *address = value;
  }
  int32_t *shared() const { return static_cast<int32_t *>(self->shared); }
  void barrier(const char *site = "kernel: barrier") const {
    self->calls->barrier(self, site);
  }
  void syncWarp(int32_t mask = -1) const {
    self->calls->sync_warp(self, "kernel: syncwarp", mask);
  }
  int32_t shuffle(int32_t value, int32_t offset, int32_t kind) const {
    constexpr int32_t kClamps[] = {31, 0, 31, 31};
    return int32_t(self->calls->shuffle(self, "kernel: shfl", -1, value, offset,
                                        kClamps[kind], kind));
  }
  void copy(void *to, const void *from, int32_t size, int32_t bytes) const {
    self->calls->copy_async(self, "kernel: cp.async", to, from, size, bytes);
  }
  void commit() const { self->calls->commit_copies(self, "kernel: commit"); }
  void wait(int32_t groups) const {
    self->calls->wait_copies(self, "kernel: wait", groups);
  }
};

/// A kernel gets one buffer of that many words, `data`; of these, if `second` is
/// not 0, the last so many are another buffer, behind a gap of four.
struct SimulatorTest : testing::Test {
  std::vector<int32_t> data = std::vector<int32_t>(1024);
  size_t second = 0;

  /// The error, or nothing. `Body` is what a thread does with the buffer.
  template <typename Body>
  std::string run(Body, int64_t blocks = 1, uint32_t seed = 1,
                  uint64_t sharedBytes = kSharedWords * 4) {
    static_assert(std::is_empty_v<Body>, "a kernel knows its parameters only");
    braid_sim_fn function = [](braid_sim *self, const uint64_t *parameters) {
      Body body = std::bit_cast<Body>(char(0));
      body(Thread{self}, reinterpret_cast<int32_t *>(parameters[0]));
    };
    Simulator simulator({{"kernel", function, kThreads, sharedBytes}}, seed);
    size_t first = second ? data.size() - second - 4 : data.size();
    uint64_t values[] = {reinterpret_cast<uint64_t>(data.data()),
                         reinterpret_cast<uint64_t>(data.data() + first + 4)};
    int64_t extents[] = {int64_t(first * 4), int64_t(second * 4)};
    try {
      simulator.begin(braid_step{});
      simulator.launch({0, {blocks, 1, 1}, second ? 2 : 1, values, extents});
      simulator.end();
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(SimulatorTest, EveryThreadOfEveryBlockRuns) {
  auto kernel = [](Thread t, int32_t *data) {
    int64_t i = t.self->block[0] * t.self->threads[0] + t.id;
    t.store(data + i, int32_t(i) + 1);
  };
  EXPECT_EQ(run(kernel, /*blocks=*/3), "");
  for (int32_t i = 0; i < 3 * kThreads; ++i)
    EXPECT_EQ(data[size_t(i)], i + 1);
  EXPECT_EQ(data[3 * kThreads], 0);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST_F(SimulatorTest, OutOfBounds) {
  auto load = [](Thread t, int32_t *data) { t.load(data + 1023 + t.id / 63); };
  EXPECT_THAT(run(load), HasSubstr("kernel: op: block (0, 0, 0), thread 63: "
                                   "reads 4 bytes outside of the buffers that "
                                   "the kernel was given: 4096 bytes behind the "
                                   "begin of one of 4096"));
  auto before = [](Thread t, int32_t *data) { t.store(data - 1, 0); };
  EXPECT_THAT(run(before), HasSubstr("thread 0: writes 4 bytes outside"));
  second = 2;
  auto gap = [](Thread t, int32_t *data) { t.load(data + 1018); };
  EXPECT_THAT(run(gap), HasSubstr("4072 bytes behind the begin of one of 4072"));
  auto end = [](Thread t, int32_t *data) { t.load(data + 1021); };
  EXPECT_THAT(run(end), HasSubstr("4 bytes before the begin of one of 8"));
  second = 0;
  auto across = [](Thread t, int32_t *data) { t.touch(data + 1022, 16, false); };
  data.resize(1022 + 2);
  EXPECT_NE(run(across), "");
  auto shared = [](Thread t, int32_t *) {
    t.store(t.shared() + kSharedWords - 63 + t.id, 0);
  };
  EXPECT_THAT(run(shared),
              HasSubstr("thread 63: 4 bytes of shared memory at 1024 of 1024: "
                        "out of bounds"));
}

TEST_F(SimulatorTest, Misaligned) {
  auto load = [](Thread t, int32_t *data) { t.touch(data + t.id, 8, false); };
  EXPECT_THAT(run(load), HasSubstr("thread 1: reads 8 bytes at an address "
                                   "that is not a multiple of 8: the rest is 4"));
  auto shared = [](Thread t, int32_t *) { t.touch(t.shared() + 2, 16, true); };
  EXPECT_THAT(run(shared), HasSubstr("not a multiple"));
}

TEST_F(SimulatorTest, UninitialisedShared) {
  auto kernel = [](Thread t, int32_t *) {
    if (t.id < 63)
      t.store(t.shared() + t.id, 1);
    t.barrier();
    t.load(t.shared() + (t.id + 1) % kThreads);
  };
  EXPECT_THAT(run(kernel),
              HasSubstr("thread 62: 4 bytes of shared memory at 252 are read, "
                        "and nothing has written them"));
}

/// What a block leaves in shared memory is nothing to the next one.
TEST_F(SimulatorTest, UninitialisedInTheNextBlock) {
  auto kernel = [](Thread t, int32_t *) {
    if (t.self->block[0] == 0)
      t.store(t.shared() + t.id, 1);
    else
      t.load(t.shared() + t.id);
  };
  EXPECT_THAT(run(kernel, 2), HasSubstr("block (1, 0, 0), thread 0: 4 bytes"));
}

TEST_F(SimulatorTest, Races) {
  auto readAfterWrite = [](Thread t, int32_t *) {
    t.store(t.shared() + t.id, 1);
    if (t.id > 0)
      t.load(t.shared() + t.id - 1);
  };
  EXPECT_THAT(run(readAfterWrite),
              HasSubstr("thread 1: 4 bytes of shared memory at 0 are read, and "
                        "thread 0 has written them without a barrier"));
  auto writeAfterRead = [](Thread t, int32_t *) {
    t.store(t.shared() + t.id, 1);
    t.barrier();
    t.load(t.shared() + (t.id + 1) % kThreads);
    t.store(t.shared() + t.id, 2);
  };
  EXPECT_THAT(run(writeAfterRead), HasSubstr("thread 0 has read them"));
  auto writeAfterWrite = [](Thread t, int32_t *) {
    t.store(t.shared() + t.id / 2, 1);
  };
  EXPECT_THAT(run(writeAfterWrite),
              HasSubstr("are written, and thread 0 has written"));
}

TEST_F(SimulatorTest, BarriersOrder) {
  auto kernel = [](Thread t, int32_t *data) {
    t.store(t.shared() + t.id, int32_t(t.id));
    t.barrier();
    int32_t other = t.load(t.shared() + (t.id + 1) % kThreads);
    t.barrier();
    t.store(t.shared() + t.id, other);
    t.store(data + t.id, other);
  };
  EXPECT_EQ(run(kernel), "");
  EXPECT_EQ(data[5], 6);
}

/// Bytes are followed one by one, also those of one word.
TEST_F(SimulatorTest, PartsOfWords) {
  auto neighbours = [](Thread t, int32_t *) {
    auto *halves = reinterpret_cast<int16_t *>(t.shared());
    t.store(halves + t.id, int16_t(t.id));
    t.load(halves + t.id);
    t.barrier();
    if (t.id < 32)
      t.load(t.shared() + t.id);
  };
  EXPECT_EQ(run(neighbours), "");
  auto uninitialised = [](Thread t, int32_t *) {
    if (t.id > 0)
      return;
    t.store(reinterpret_cast<int16_t *>(t.shared()), int16_t(1));
    t.load(t.shared());
  };
  EXPECT_THAT(run(uninitialised), HasSubstr("4 bytes of shared memory at 0"));
  auto race = [](Thread t, int32_t *) {
    auto *halves = reinterpret_cast<int16_t *>(t.shared());
    if (t.id == 0)
      t.store(t.shared(), 1);
    if (t.id == 1)
      t.store(halves + 1, int16_t(2));
  };
  EXPECT_THAT(run(race), HasSubstr("2 bytes of shared memory at 2"));
  auto whole = [](Thread t, int32_t *) {
    auto *bytes = reinterpret_cast<int8_t *>(t.shared());
    t.store(bytes + t.id, int8_t(1));
    t.barrier();
    if (t.id % 4 == 0)
      t.store(t.shared() + t.id / 4, 1);
    if (t.id == 63)
      t.load(bytes + 5);
  };
  EXPECT_THAT(run(whole), HasSubstr("thread 63: 1 bytes of shared memory at 5 "
                                    "are read, and thread 4 has written"));
}

/// A warp's own synchronisation orders its lanes, and nothing else.
TEST_F(SimulatorTest, WarpSynchronisationOrdersTheWarp) {
  auto inside = [](Thread t, int32_t *) {
    t.store(t.shared() + t.id, 1);
    t.syncWarp();
    t.load(t.shared() + (t.id ^ 1));
  };
  EXPECT_EQ(run(inside), "");
  auto across = [](Thread t, int32_t *) {
    t.store(t.shared() + t.id, 1);
    t.syncWarp();
    t.load(t.shared() + (t.id ^ 32));
  };
  EXPECT_THAT(run(across), HasSubstr("without a barrier"));
}

//===----------------------------------------------------------------------===//
// Meeting
//===----------------------------------------------------------------------===//

TEST_F(SimulatorTest, WarpSynchronisationOrdersEarlierReaders) {
  // All lanes read, one reads again behind the synchronisation and writes.
  auto inside = [](Thread t, int32_t *) {
    int32_t *word = t.shared() + t.id / 32;
    if (t.id % 32 == 0)
      t.store(word, 1);
    t.syncWarp();
    t.load(word);
    t.syncWarp();
    if (t.id % 32 == 0)
      t.store(word, t.load(word) + 1);
  };
  EXPECT_EQ(run(inside), "");
  auto without = [](Thread t, int32_t *) {
    int32_t *word = t.shared() + t.id / 32;
    if (t.id % 32 == 0)
      t.store(word, 1);
    t.syncWarp();
    t.load(word);
    if (t.id % 32 == 31)
      t.store(word, t.load(word) + 1);
  };
  EXPECT_THAT(run(without), HasSubstr("has read them without a barrier"));
  auto across = [](Thread t, int32_t *) {
    if (t.id == 0)
      t.store(t.shared(), 1);
    t.barrier();
    t.load(t.shared());
    t.syncWarp();
    if (t.id == 0)
      t.store(t.shared(), t.load(t.shared()) + 1);
  };
  EXPECT_THAT(run(across), HasSubstr("without a barrier"));
}

TEST_F(SimulatorTest, DivergentBarrier) {
  auto left = [](Thread t, int32_t *) {
    if (t.id != 40)
      t.barrier();
  };
  EXPECT_THAT(run(left), HasSubstr("waits at a barrier that thread 40 does not "
                                   "come to: divergent barrier"));
  auto other = [](Thread t, int32_t *) {
    t.barrier(t.id < 32 ? "kernel: first" : "kernel: second");
  };
  EXPECT_THAT(run(other), HasSubstr("divergent barrier"));
}

TEST_F(SimulatorTest, DivergentWarp) {
  auto left = [](Thread t, int32_t *) {
    if (t.id != 3)
      t.shuffle(1, 1, 0);
  };
  EXPECT_THAT(run(left), HasSubstr("waits for lane 3, which does not come: "
                                   "divergent warp"));
  auto matrices = [](Thread t, int32_t *) {
    uint32_t words[10] = {};
    if (t.id != 33)
      t.self->calls->multiply(t.self, "kernel: mma", words);
  };
  EXPECT_THAT(run(matrices), HasSubstr("kernel: mma: block (0, 0, 0), thread "
                                       "32: waits for lane 1"));
}

TEST_F(SimulatorTest, Shuffles) {
  auto kernel = [](Thread t, int32_t *data) {
    auto value = int32_t(t.id);
    t.store(data + t.id, t.shuffle(value, 5, 0));
    t.store(data + 64 + t.id, t.shuffle(value, 1, 1));
    t.store(data + 128 + t.id, t.shuffle(value, 2, 2));
    t.store(data + 192 + t.id, t.shuffle(value, 7, 3));
  };
  EXPECT_EQ(run(kernel), "");
  EXPECT_EQ(data[40], 40 ^ 5);
  EXPECT_EQ(data[64 + 40], 39);
  EXPECT_EQ(data[64 + 32], 32); // Of nobody: its own.
  EXPECT_EQ(data[128 + 40], 42);
  EXPECT_EQ(data[128 + 62], 62);
  EXPECT_EQ(data[192 + 40], 32 + 7);
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

TEST_F(SimulatorTest, LanesAddUpAndFindEqualValues) {
  auto kernel = [](Thread t, int32_t *data) {
    int32_t value = int32_t(t.id % 5);
    int32_t sum = t.self->calls->sum_lanes(t.self, "kernel: redux", -1, value);
    int32_t same = t.self->calls->match_lanes(t.self, "kernel: match", -1,
                                              value);
    t.store(data + 2 * t.id, sum);
    t.store(data + 2 * t.id + 1, same);
  };
  EXPECT_EQ(run(kernel), "");
  for (int32_t i = 0; i < kThreads; ++i) {
    int32_t sum = 0;
    uint32_t same = 0;
    for (int32_t lane = 0; lane < 32; ++lane) {
      int32_t other = i / 32 * 32 + lane;
      sum += other % 5;
      same |= uint32_t(other % 5 == i % 5) << lane;
    }
    EXPECT_EQ(data[size_t(2 * i)], sum);
    EXPECT_EQ(uint32_t(data[size_t(2 * i + 1)]), same);
  }
  auto left = [](Thread t, int32_t *) {
    if (t.id != 7)
      t.self->calls->match_lanes(t.self, "kernel: match", -1, 1);
  };
  EXPECT_THAT(run(left), HasSubstr("waits for lane 7, which does not come"));
}

TEST_F(SimulatorTest, CopiesArrive) {
  std::iota(data.begin(), data.end(), 1);
  auto kernel = [](Thread t, int32_t *data) {
    // Of every second place, all but one word is zero.
    t.copy(t.shared() + 4 * t.id, data + 4 * t.id, 16, t.id % 2 ? 4 : 16);
    t.commit();
    t.wait(0);
    t.barrier();
    for (int64_t i = t.id; i < 256; i += kThreads)
      t.store(data + 512 + i, t.load(t.shared() + i));
  };
  for (uint32_t seed = 0; seed < 8; ++seed) {
    EXPECT_EQ(run(kernel, 1, seed), "");
    for (int32_t i = 0; i < 256; ++i)
      EXPECT_EQ(data[size_t(512 + i)], i % 8 < 5 ? i + 1 : 0) << i;
  }
}

/// Until the wait, what is there may be old or new: here, the source changes.
TEST_F(SimulatorTest, CopiesHappenAtAnyTime) {
  auto kernel = [](Thread t, int32_t *data) {
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
    t.store(data + t.id, 1);
    t.commit();
    t.wait(0);
    t.store(data + 512 + t.id, t.load(t.shared() + t.id));
  };
  std::vector<std::vector<int32_t>> found;
  for (uint32_t seed : {1, 1, 2}) {
    std::fill(data.begin(), data.end(), 0);
    EXPECT_EQ(run(kernel, 1, seed), "");
    found.emplace_back(data.begin() + 512, data.begin() + 512 + kThreads);
    EXPECT_THAT(found.back(), testing::Contains(0));
    EXPECT_THAT(found.back(), testing::Contains(1));
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_NE(found[0], found[2]);
}

TEST_F(SimulatorTest, CopyReadBeforeItsWait) {
  auto none = [](Thread t, int32_t *data) {
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
    t.commit();
    t.load(t.shared() + t.id);
  };
  EXPECT_THAT(run(none),
              HasSubstr("thread 0: 4 bytes of shared memory at 0 are read, and "
                        "an asynchronous copy to them has not been waited for"));
  auto tooFew = [](Thread t, int32_t *data) {
    for (int i = 0; i < 2; ++i) {
      t.copy(t.shared() + 64 * i + t.id, data + t.id, 4, 4);
      t.commit();
    }
    t.wait(1);
    t.load(t.shared() + t.id);
    t.load(t.shared() + 64 + t.id);
  };
  EXPECT_THAT(run(tooFew), HasSubstr("shared memory at 256 are read, and an "
                                     "asynchronous copy"));
  auto inNoGroup = [](Thread t, int32_t *data) {
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
    t.wait(0);
    t.load(t.shared() + t.id);
  };
  EXPECT_THAT(run(inNoGroup), HasSubstr("asynchronous copy"));
  auto overwritten = [](Thread t, int32_t *data) {
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
    t.store(t.shared() + t.id, 1);
  };
  EXPECT_THAT(run(overwritten), HasSubstr("are written, and an asynchronous"));
}

/// A thread's wait is for its own copies: others need a barrier after it.
TEST_F(SimulatorTest, CopyNeedsABarrierAfterItsWait) {
  auto none = [](Thread t, int32_t *data) {
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
    t.commit();
    t.wait(0);
    t.load(t.shared() + (t.id ^ 1));
  };
  EXPECT_NE(run(none), "");
  auto before = [](Thread t, int32_t *data) {
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
    t.commit();
    t.barrier();
    t.wait(0);
    if (t.id == 63)
      t.load(t.shared());
  };
  EXPECT_THAT(run(before), HasSubstr("thread 63: 4 bytes of shared memory at 0 "
                                     "are read, and thread 0 has written"));
  auto reused = [](Thread t, int32_t *data) {
    t.store(t.shared() + t.id, 1);
    t.barrier();
    t.load(t.shared() + (t.id + 1) % kThreads);
    t.copy(t.shared() + t.id, data + t.id, 4, 4);
  };
  EXPECT_THAT(run(reused), HasSubstr("kernel: cp.async"));
}

TEST_F(SimulatorTest, CopyOutOfBounds) {
  auto source = [](Thread t, int32_t *data) {
    t.copy(t.shared(), data + 1024 - 4 + 4 * t.id, 16, 16);
  };
  EXPECT_THAT(run(source), HasSubstr("thread 1: copies 16 bytes from outside"));
  auto nothing = [](Thread t, int32_t *) {
    t.copy(t.shared() + 4 * t.id, nullptr, 16, 0);
  };
  EXPECT_EQ(run(nothing), "");
  auto place = [](Thread t, int32_t *data) {
    t.copy(t.shared() + kSharedWords - 4 + 4 * t.id, data, 16, 16);
  };
  EXPECT_THAT(run(place), HasSubstr("thread 1: 16 bytes of shared memory at "
                                    "1024 of 1024: out of bounds"));
  auto misaligned = [](Thread t, int32_t *data) {
    t.copy(t.shared(), data + 2, 16, 16);
  };
  EXPECT_THAT(run(misaligned), HasSubstr("not a multiple"));
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

uint16_t halfOf(float value) {
  return uint16_t(std::bit_cast<uint32_t>(value) >> 16);
}

/// Small integers, so that sums are exact.
float numberAt(int64_t row, int64_t column) {
  return float((row * 7 + column * 3) % 11 - 5);
}

/// Fills 16-bit elements [rows, 16] of shared memory.
void fillRows(Thread t, int64_t rows) {
  auto *to = reinterpret_cast<uint16_t *>(t.shared());
  for (int64_t i = t.id; i < rows * 16; i += kThreads)
    t.store(to + i, halfOf(numberAt(i / 16, i % 16)));
  t.barrier();
}

/// C[16, 8] = A[16, 16] B[16, 8], where B[k, n] = number(n, k): both operands
/// come from rows of shared memory, B's words as they lie there.
TEST_F(SimulatorTest, MatricesMultiply) {
  auto kernel = [](Thread t, int32_t *data) {
    fillRows(t, 16);
    auto *rows = reinterpret_cast<uint16_t *>(t.shared());
    int64_t lane = t.id % 32, group = lane / 4, pair = lane % 4 * 2;
    uint32_t words[10] = {};
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               rows + lane % 16 * 16 + lane / 16 * 8, 4, false,
                               words);
    for (int64_t i = 0; i < 2; ++i)
      words[4 + i] = t.load(reinterpret_cast<uint32_t *>(
          rows + group * 16 + pair + 8 * i));
    for (int64_t i = 0; i < 4; ++i)
      words[6 + i] = std::bit_cast<uint32_t>(float(group + 8 * (i / 2)));
    t.self->calls->multiply(t.self, "kernel: mma", words);
    for (int64_t i = 0; i < 4; ++i)
      if (t.id < 32)
        t.store(data + (group + 8 * (i / 2)) * 8 + pair + i % 2,
                int32_t(words[6 + i]));
  };
  EXPECT_EQ(run(kernel), "");
  for (int64_t m = 0; m < 16; ++m)
    for (int64_t n = 0; n < 8; ++n) {
      auto expected = float(m);
      for (int64_t k = 0; k < 16; ++k)
        expected += numberAt(m, k) * numberAt(n, k);
      EXPECT_EQ(std::bit_cast<float>(data[size_t(m * 8 + n)]), expected);
    }
}

TEST_F(SimulatorTest, MatricesAreTransposed) {
  auto kernel = [](Thread t, int32_t *data) {
    fillRows(t, 16);
    auto *rows = reinterpret_cast<uint16_t *>(t.shared());
    int64_t lane = t.id % 32;
    // Lanes from 16 on bring nothing to two matrices.
    uint16_t *row = lane < 16 ? rows + lane * 16 : nullptr;
    uint32_t words[2];
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix", row, 2, true, words);
    if (t.id < 32) {
      t.store(data + lane, int32_t(words[0]));
      t.store(data + 32 + lane, int32_t(words[1]));
    }
  };
  EXPECT_EQ(run(kernel), "");
  for (int64_t m = 0; m < 2; ++m)
    for (int64_t lane = 0; lane < 32; ++lane)
      for (int64_t half = 0; half < 2; ++half)
        EXPECT_EQ(uint16_t(data[size_t(32 * m + lane)] >> (16 * half)),
                  halfOf(numberAt(8 * m + lane % 4 * 2 + half, lane / 4)));
}

TEST_F(SimulatorTest, MatrixFaults) {
  auto uninitialised = [](Thread t, int32_t *) {
    fillRows(t, 15);
    uint32_t words[4];
    auto *rows = reinterpret_cast<uint16_t *>(t.shared());
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               rows + t.id % 16 * 16 + t.id % 32 / 16 * 8, 4,
                               false, words);
  };
  EXPECT_THAT(run(uninitialised),
              HasSubstr("kernel: ldmatrix: block (0, 0, 0), thread 15: 16 bytes "
                        "of shared memory at 480 are read, and nothing has"));
  auto misaligned = [](Thread t, int32_t *) {
    fillRows(t, 16);
    uint32_t word;
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               t.shared() + 4 * (t.id % 8) + (t.id == 5), 1,
                               false, &word);
  };
  EXPECT_THAT(run(misaligned), HasSubstr("thread 5: a row of a matrix is at an "
                                         "address that is not a multiple"));
  auto elsewhere = [](Thread t, int32_t *data) {
    uint32_t word;
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix", data, 1, false,
                               &word);
  };
  EXPECT_THAT(run(elsewhere), HasSubstr("is not in shared memory"));
  auto beyond = [](Thread t, int32_t *) {
    uint32_t word;
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               t.shared() + kSharedWords, 1, false, &word);
  };
  EXPECT_THAT(run(beyond), HasSubstr("out of bounds"));
}

/// All lanes get parts of a row: that one of them wrote it is not enough.
TEST_F(SimulatorTest, MatricesRace) {
  auto own = [](Thread t, int32_t *) {
    if (t.id % 32 < 8)
      for (int64_t i = 0; i < 4; ++i)
        t.store(t.shared() + 4 * t.id + i, 1);
    uint32_t word;
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               t.shared() + 4 * t.id, 1, false, &word);
  };
  EXPECT_THAT(run(own), HasSubstr("without a barrier"));
  auto after = [](Thread t, int32_t *) {
    fillRows(t, 16);
    uint32_t word;
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               t.shared() + 4 * (t.id % 8), 1, false, &word);
    if (t.id == 40)
      t.store(t.shared(), 1);
  };
  EXPECT_THAT(run(after), HasSubstr("thread 40: 4 bytes of shared memory at 0 "
                                    "are written, and another thread has read"));
  auto copied = [](Thread t, int32_t *data) {
    t.copy(t.shared() + 4 * t.id, data, 16, 16);
    t.commit();
    t.barrier();
    uint32_t word;
    t.self->calls->load_matrix(t.self, "kernel: ldmatrix",
                               t.shared() + 4 * (t.id % 8), 1, false, &word);
  };
  EXPECT_THAT(run(copied), HasSubstr("asynchronous copy"));
}

} // namespace
