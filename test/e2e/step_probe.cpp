//===- step_probe.cpp - what a step of a real artefact touches ------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   braid-step-probe experts MODEL.braid TOP_K [plant]
//     Takes all access to the pages of all routed experts away, and notes which
//     experts a step then asks for: in each layer as many as a token chooses.
//   braid-step-probe allocations MODEL.braid [plant]
//     Counts malloc and mmap, interposed in this executable, in 100 steps.
//   braid-step-probe mixed MODEL.braid DEVICE [plant]
//     Compares steps in which some sequences begin, others go on in the middle
//     of a prompt and others decode with the same of each sequence alone.
//
// `plant` makes the mistake that the probe is there to see. Exit code 0 if all
// is as it should be, 3 if not; never.py and equalities.py call it.
//===----------------------------------------------------------------------===//
#include "braid-rt/error.h"
#include "braid-rt/sampling.h"
#include "braid-rt/session.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <tuple>
#include <unistd.h>

static std::atomic<int64_t> allocations{0};

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t bytes) { return ++allocations, __libc_malloc(bytes); }
void *calloc(size_t n, size_t bytes) {
  return ++allocations, __libc_calloc(n, bytes);
}
void *realloc(void *p, size_t bytes) {
  return ++allocations, __libc_realloc(p, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  return ++allocations, __libc_memalign(alignment, bytes);
}
void *mmap(void *at, size_t bytes, int protection, int flags, int file,
           off_t offset) noexcept {
  ++allocations;
  return reinterpret_cast<void *>(
      syscall(SYS_mmap, at, bytes, protection, flags, file, offset));
}
}

using namespace braid::rt;

namespace {

/// The whole pages that one expert's packed bytes of one weight fill.
struct Expert {
  int64_t layer, table, number;
  char *begin, *end;
  volatile bool touched;
};

std::vector<Expert> experts; ///< All of the model; fixed before the handler.

void onFault(int, siginfo_t *info, void *) {
  char *at = static_cast<char *>(info->si_addr);
  for (Expert &expert : experts) {
    if (at < expert.begin || at >= expert.end)
      continue;
    expert.touched = true;
    mprotect(expert.begin, size_t(expert.end - expert.begin), PROT_READ);
    return;
  }
  signal(SIGSEGV, SIG_DFL); // A true one: happens again, and ends us.
}

void findExperts(const Engine &engine) {
  auto page = uintptr_t(sysconf(_SC_PAGESIZE));
  for (const WeightEntry &entry : engine.manifest().weights.entries)
    for (size_t j = 0; j < entry.layers.size(); ++j)
      for (int64_t e = 0; e < entry.experts; ++e) {
        auto base =
            reinterpret_cast<uintptr_t>(engine.weightTable()[entry.table + int64_t(j)]);
        uintptr_t first = base + uint64_t(e) * uint64_t(entry.expertStride);
        uintptr_t begin = (first + page - 1) / page * page;
        uintptr_t end = (first + uint64_t(entry.bytes)) / page * page;
        if (begin < end)
          experts.push_back({entry.layers[j], entry.table + int64_t(j), e,
                             reinterpret_cast<char *>(begin),
                             reinterpret_cast<char *>(end), false});
      }
}

using Touched = std::set<std::tuple<int64_t, int64_t, int64_t>>;

/// The experts that a step asks for. Afterwards all can be read again.
Touched touchedBy(Session &session, std::span<const Feed> feeds, bool plant) {
  for (Expert &expert : experts) {
    expert.touched = false;
    mprotect(expert.begin, size_t(expert.end - expert.begin), PROT_NONE);
  }
  session.step(feeds);
  if (plant)
    for (Expert &expert : experts)
      if (!expert.touched) {
        (void)*static_cast<volatile char *>(expert.begin);
        break;
      }
  Touched touched;
  for (Expert &expert : experts) {
    if (expert.touched)
      touched.emplace(expert.layer, expert.table, expert.number);
    mprotect(expert.begin, size_t(expert.end - expert.begin), PROT_READ);
  }
  return touched;
}

/// Sequences of different texts and lengths.
std::vector<int> startSequences(Session &session, int count) {
  std::vector<int> sequences;
  int64_t vocabulary = session.engine().manifest().vocabulary;
  for (int s = 0; s < count; ++s) {
    std::vector<int32_t> ids;
    for (int i = 0; i < 5 + 3 * s; ++i)
      ids.push_back(int32_t((7 + 31 * s + 13 * i * i) % vocabulary));
    sequences.push_back(session.create());
    Feed feed{sequences.back(), ids};
    session.step({&feed, 1});
  }
  return sequences;
}

/// Every weight of every layer with experts: as many as a token chooses.
bool choosesExactly(const Touched &touched, size_t topK) {
  std::set<std::pair<int64_t, int64_t>> weights;
  for (const Expert &expert : experts)
    weights.emplace(expert.layer, expert.table);
  for (auto [layer, table] : weights) {
    auto count = size_t(std::count_if(
        touched.begin(), touched.end(), [table = table](const auto &t) {
          return std::get<1>(t) == table;
        }));
    if (count == topK)
      continue;
    std::printf("layer %lld, weight %lld: %zu experts touched, expected %zu\n",
                (long long)layer, (long long)table, count, topK);
    return false;
  }
  return !weights.empty();
}

bool probeExperts(const char *path, size_t topK, bool plant) {
  auto engine = Engine::open(path, {.threads = 2, .maxSequences = 16});
  Session session(*engine);
  findExperts(*engine);
  std::vector<int> sequences = startSequences(session, 7), copies;
  for (int sequence : sequences)
    copies.push_back(session.fork(sequence));
  struct sigaction action {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);

  int32_t id = 11;
  Touched together;
  bool exact = true;
  for (int sequence : sequences) {
    Feed feed{sequence, {&id, 1}};
    Touched one = touchedBy(session, {&feed, 1}, plant);
    exact &= choosesExactly(one, topK);
    together.insert(one.begin(), one.end());
  }
  std::vector<Feed> feeds;
  for (int copy : copies)
    feeds.push_back({copy, {&id, 1}});
  bool united = touchedBy(session, feeds, false) == together;
  std::printf("%zu experts, %zu touched by 7 sequences%s\n", experts.size(),
              together.size(), united ? "" : ", others as one batch");
  return exact && united;
}

/// Calls of malloc and mmap in 100 steps of `batch` sequences, the s-th of
/// which is fed s + 1 tokens at a time.
int64_t countAllocations(Engine &engine, int batch, bool plant) {
  Session session(engine);
  Sampler sampler({.temperature = 1, .topK = 5, .topP = 0.9},
                  engine.manifest().vocabulary);
  std::vector<int32_t> ids(8, 1);
  std::vector<Feed> feeds;
  for (int s = 0; s < batch; ++s)
    feeds.push_back({session.create(), {ids.data(), size_t(s) + 1}});
  int64_t before = allocations;
  for (int step = 0; step < 100; ++step) {
    session.step(feeds);
    for (const Feed &feed : feeds)
      ids[size_t(feed.sequence)] = sampler.choose(
          session.next(feed.sequence), session.position(feed.sequence));
    if (plant && step == 50) {
      void *volatile kept = std::malloc(64); // volatile: not optimised away
      std::free(kept);
    }
  }
  return allocations - before;
}

bool probeAllocations(const char *path, bool plant) {
  auto engine = Engine::open(path, {.threads = 2});
  int64_t one = countAllocations(*engine, 1, plant);
  int64_t seven = countAllocations(*engine, 7, plant);
  std::printf("%lld allocations in 100 steps, %lld in a ragged batch of 7\n",
              (long long)one, (long long)seven);
  return one == 0 && seven == 0;
}

/// Tokens that each sequence takes in a step; 0: it is not there yet.
constexpr int kSequences = 4;
constexpr int kMixed[][kSequences] = {
    {20, 0, 3, 0}, {1, 40, 1, 0}, {1, 9, 1, 17}, {1, 1, 30, 1}, {7, 1, 1, 2}};

/// Logits of all rows of the sequences that `takes` names, step after step.
std::vector<float> logitsOf(Engine &engine, std::vector<int> takes, bool plant) {
  Session session(engine);
  int64_t vocabulary = engine.manifest().vocabulary;
  std::vector<float> found[kSequences], all;
  int places[kSequences], next = plant ? 1 : 0;
  for (int s : takes)
    places[s] = session.create();
  for (const auto &sizes : kMixed) {
    std::vector<int32_t> ids[kSequences];
    std::vector<Feed> feeds;
    ++next;
    for (int s : takes) {
      for (int i = 0; i < sizes[s]; ++i)
        ids[s].push_back(int32_t((7 + 31 * s + 13 * i * i + next) % vocabulary));
      if (sizes[s])
        feeds.push_back({places[s], ids[s], Logits::All});
    }
    if (feeds.empty())
      continue;
    session.step(feeds);
    const float *row = session.logits();
    for (int s : takes) {
      const float *end = row + sizes[s] * vocabulary;
      found[s].insert(found[s].end(), row, end);
      row = end;
    }
  }
  for (const std::vector<float> &one : found)
    all.insert(all.end(), one.begin(), one.end());
  return all;
}

bool probeMixed(const char *path, const char *device, bool plant) {
  auto engine = Engine::open(
      path, {.device = device, .threads = 2, .maxSequences = kSequences});
  std::vector<float> together = logitsOf(*engine, {0, 1, 2, 3}, plant), alone;
  for (int s = 0; s < kSequences; ++s) {
    std::vector<float> one = logitsOf(*engine, {s}, false);
    alone.insert(alone.end(), one.begin(), one.end());
  }
  bool same = together.size() == alone.size() &&
              !std::memcmp(together.data(), alone.data(), alone.size() * 4);
  std::printf("%zu logits of %zu mixed steps%s\n", alone.size(),
              std::size(kMixed), same ? "" : " differ");
  return same;
}

} // namespace

int main(int argc, char **argv) try {
  bool plant = argc > 1 && !std::strcmp(argv[argc - 1], "plant");
  int given = argc - plant;
  if (given == 4 && !std::strcmp(argv[1], "experts"))
    return probeExperts(argv[2], size_t(std::atoi(argv[3])), plant) ? 0 : 3;
  if (given == 3 && !std::strcmp(argv[1], "allocations"))
    return probeAllocations(argv[2], plant) ? 0 : 3;
  if (given == 4 && !std::strcmp(argv[1], "mixed"))
    return probeMixed(argv[2], argv[3], plant) ? 0 : 3;
  std::fprintf(stderr,
               "usage: %s experts MODEL TOP_K | allocations MODEL | mixed "
               "MODEL DEVICE\n",
               argv[0]);
  return 2;
} catch (const Error &error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
