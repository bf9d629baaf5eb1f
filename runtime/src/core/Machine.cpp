//===- Machine.cpp - what this machine offers -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/machine.h"

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

/// The tightest quota of a cgroup and its ancestors up to the mount.
static double quotaUpward(const std::string &mount, std::string path) {
  double tightest = quotaOf(mount);
  for (; path.size() > 1; path.resize(path.rfind('/')))
    tightest = std::min(tightest, quotaOf(mount + path));
  return tightest;
}

static double cgroupQuota() {
  double tightest = kUnlimited;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // "0::/a/b" (version 2) or "4:cpu,cpuacct:/a/b" (version 1).
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || line.compare(second + 1, 1, "/") != 0)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (controllers.empty())
      tightest = std::min(tightest, quotaUpward("/sys/fs/cgroup", path));
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      tightest = std::min(tightest, quotaUpward("/sys/fs/cgroup/cpu", path));
  }
  return tightest;
}

int defaultThreads() {
  double quota = std::ceil(cgroupQuota());
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

uint64_t peakResident() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return uint64_t(usage.ru_maxrss) * 1024;
}

} // namespace braid::rt
