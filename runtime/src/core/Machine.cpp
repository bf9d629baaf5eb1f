//===- Machine.cpp - what this machine offers -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/machine.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sched.h>
#include <set>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace braid::rt {

static std::string firstLine(const std::string &path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Hyperthreads of one core list each other, so they count once.
static int coresInMask() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0)
    return std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask))
      continue;
    std::string number = std::to_string(cpu);
    std::string siblings = firstLine("/sys/devices/system/cpu/cpu" + number +
                                     "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? number : siblings);
  }
  return std::max<int>(1, int(cores.size()));
}

static constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/// CPUs that one cgroup folder grants.
static double quotaOf(const std::string &folder) {
  double quota = -1, period = 0;
  std::istringstream v2(firstLine(folder + "/cpu.max")); // "max 100000"
  if (!(v2 >> quota >> period)) {
    std::istringstream(firstLine(folder + "/cpu.cfs_quota_us")) >> quota;
    std::istringstream(firstLine(folder + "/cpu.cfs_period_us")) >> period;
  }
  return quota > 0 && period > 0 ? quota / period : kUnlimited;
}

/// Bytes that one cgroup folder grants.
static double memoryOf(const std::string &folder) {
  double bytes = -1;
  for (const char *file : {"/memory.max", "/memory.limit_in_bytes"})
    if (std::istringstream(firstLine(folder + file)) >> bytes)
      return bytes;
  return kUnlimited; // "max", or no such file
}

/// What a cgroup folder limits.
using LimitOf = double (*)(const std::string &folder);

/// The tightest limit of a cgroup and its ancestors up to the mount.
static double limitUpward(LimitOf limitOf, const std::string &mount,
                          std::string path) {
  double tightest = limitOf(mount);
  for (; path.size() > 1; path.resize(path.rfind('/')))
    tightest = std::min(tightest, limitOf(mount + path));
  return tightest;
}

static double cgroupLimit(const std::string &controller, LimitOf limitOf) {
  double tightest = kUnlimited;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // "0::/a/b" (version 2) or "4:cpu,cpuacct:/a/b" (version 1).
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || line.compare(second + 1, 1, "/") != 0)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1), mount = "/sys/fs/cgroup";
    if (!controllers.empty() &&
        ("," + controllers + ",").find("," + controller + ",") ==
            std::string::npos)
      continue;
    if (!controllers.empty())
      mount += "/" + controller;
    tightest = std::min(tightest, limitUpward(limitOf, mount, path));
  }
  return tightest;
}

int defaultThreads() {
  double quota = std::ceil(cgroupLimit("cpu", quotaOf));
  return int(std::clamp<double>(quota, 1, coresInMask()));
}

std::string missingFeature(const std::vector<std::string> &features) {
  std::ifstream info("/proc/cpuinfo");
  std::set<std::string> present;
  for (std::string line; present.empty() && std::getline(info, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features"))
      continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;)
      present.insert(word);
  }
  for (const std::string &feature : features)
    if (!present.count(feature))
      return feature;
  return "";
}

uint64_t physicalMemory() {
  return uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
}

/// What the kernel estimates could be used without swapping.
static double freeMemory() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);)
    if (uint64_t kib = 0; line.starts_with("MemAvailable:") &&
                          std::istringstream(line.substr(13)) >> kib)
      return double(kib << 10);
  return double(physicalMemory());
}

uint64_t availableMemory() {
  double bytes = std::min(freeMemory(), cgroupLimit("memory", memoryOf));
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    bytes = std::min(bytes, double(limit.rlim_cur));
  return uint64_t(bytes);
}

void requireMemory(const std::string &what, uint64_t needed, uint64_t available,
                   const std::string &remedy) {
  if (needed > available)
    throw Error(what + ": " + std::to_string(needed) +
                    " bytes of memory are needed, " +
                    std::to_string(available) + " are available",
                remedy);
}

uint64_t peakResident() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return uint64_t(usage.ru_maxrss) * 1024;
}

} // namespace braid::rt
