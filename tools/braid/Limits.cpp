//===- Limits.cpp - what this machine can do at best ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Limits.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <immintrin.h>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace braid {

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// As many independent sums as hide the latency of any present multiply-add
// (4-6 cycles, 2 a cycle); they stay in registers. The barrier keeps the
// compiler from folding the rounds; it emits nothing.
static constexpr int kSums = 14;
static constexpr int kRounds = 20000;

#define BRAID_PEAK_LOOP(VECTOR, STEP)                                          \
  VECTOR sums[kSums] = {};                                                     \
  for (int round = 0; round < kRounds; ++round) {                              \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < kSums; ++i) STEP;   \
    asm volatile("" ::: "memory");                                             \
  }                                                                            \
  for (int i = 0; i < kSums; ++i)                                              \
    asm volatile("" ::"v"(sums[i]));

__attribute__((target("avx2,fma"))) static void spinAvx2() {
  __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(0.25f);
  asm volatile("" : "+x"(x), "+x"(y));
  BRAID_PEAK_LOOP(__m256, sums[i] = _mm256_fmadd_ps(x, y, sums[i]))
}

__attribute__((target("avx512f"))) static void spinAvx512() {
  __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(0.25f);
  asm volatile("" : "+v"(x), "+v"(y));
  BRAID_PEAK_LOOP(__m512, sums[i] = _mm512_fmadd_ps(x, y, sums[i]))
}

__attribute__((target("avx512f,avx512bf16"))) static void spinBf16() {
  __m512 bits = _mm512_set1_ps(0.5f);
  asm volatile("" : "+v"(bits));
  __m512bh x = __m512bh(bits);
  BRAID_PEAK_LOOP(__m512, sums[i] = _mm512_dpbf16_ps(sums[i], x, x))
}

#undef BRAID_PEAK_LOOP

/// Some streams at once, so that more lines are on the way than one stream lets
/// the prefetcher fetch. 128-bit loads are no limit for memory.
template <int streams> static void readBytes(const char *from, uint64_t bytes) {
  uint64_t stride = bytes / streams / 64 * 64;
  __m128i sum[streams] = {};
  for (uint64_t at = 0; at < stride; at += 64)
    for (int s = 0; s < streams; ++s)
      for (int part = 0; part < 64; part += 16)
        sum[s] = _mm_xor_si128(sum[s], *reinterpret_cast<const __m128i *>(
                                           from + s * stride + at + part));
  for (__m128i &value : sum)
    asm volatile("" ::"x"(value));
}

/// Runs work(thread, slice) on all threads until each of `slices` is done and
/// returns the seconds. Slices are taken one by one: a thread that shares its
/// core does less.
static double timeOnThreads(int threads, int slices,
                            const std::function<void(int)> &work) {
  std::atomic<int> ready{0}, next{0};
  std::atomic<bool> go{false};
  auto run = [&] {
    for (int slice; (slice = next.fetch_add(1)) < slices;)
      work(slice);
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i)
    others.emplace_back([&] {
      ready.fetch_add(1);
      while (!go.load())
        _mm_pause();
      run();
    });
  while (ready.load() < threads - 1)
    _mm_pause();
  auto start = Clock::now();
  go.store(true);
  run();
  for (std::thread &other : others)
    other.join();
  return secondsSince(start);
}

static double peak(int threads, double flopsPerStep, void (*spin)()) {
  int slices = 64 * threads;
  double seconds = timeOnThreads(threads, slices, [&](int) { spin(); });
  return flopsPerStep * kSums * kRounds * slices / seconds;
}

LimitMeter::LimitMeter(int threads) : threads(threads) {
  void *memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw rt::Error("not enough memory to measure its bandwidth",
                    "1 GiB is needed beside the model");
  madvise(memory, kBytes, MADV_HUGEPAGE);
  buffer = static_cast<char *>(memory);
  memset(buffer, 1, kBytes); // Real pages, not one page of zeros.
}

LimitMeter::~LimitMeter() { munmap(buffer, kBytes); }

/// Bytes per second with which all threads read the buffer.
double LimitMeter::readBandwidth(void (*read)(const char *, uint64_t)) const {
  constexpr int slices = 64;
  double seconds = timeOnThreads(threads, slices, [&](int slice) {
    read(buffer + kBytes / slices * uint64_t(slice), kBytes / slices);
  });
  return double(kBytes) / seconds;
}

Limits LimitMeter::measure() {
  Limits limits;
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    limits.avx2Fma = peak(threads, 8 * 2, spinAvx2);
  if (__builtin_cpu_supports("avx512f"))
    limits.avx512Fma = peak(threads, 16 * 2, spinAvx512);
  if (__builtin_cpu_supports("avx512bf16"))
    limits.bf16Dot = peak(threads, 32 * 2, spinBf16);
  // Which way is fastest depends on the CPU's prefetchers: streams whose starts
  // are a power of two apart read at half the speed on some.
  for (auto read : {readBytes<1>, readBytes<3>, readBytes<8>})
    limits.read = std::max(limits.read, readBandwidth(read));
  return limits;
}

/// The value of the first line of /proc/cpuinfo that begins with `key`.
static std::string cpuInfo(const std::string &key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key) && line.find(": ") != line.npos)
      return line.substr(line.find(": ") + 2);
  return "";
}

std::string cpuName() {
  std::string name = cpuInfo("model name");
  return name.empty() ? "unknown CPU" : name;
}

bool hasAmx() {
  return (" " + cpuInfo("flags") + " ").find(" amx_bf16 ") != std::string::npos;
}

} // namespace braid
