//===- GpuTarget.cpp - which code runs on which GPU -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GpuTarget.h"

#include <cstdio>

namespace braid::rt::cuda {

Fit fitOf(const GpuCode &code, int major, int minor) {
  int number = 0;
  if (std::sscanf(code.target.c_str(), "sm_%d", &number) != 1)
    return Fit::None;
  int ownMajor = number / 10, ownMinor = number % 10;
  bool same = ownMajor == major && ownMinor == minor;
  bool runs = code.exact ? same : ownMajor == major && ownMinor <= minor;
  if (runs)
    return code.cubin ? Fit::Run : Fit::Compile;
  bool later = major > ownMajor || (major == ownMajor && minor > ownMinor);
  return !code.exact && later ? Fit::Compile : Fit::None;
}

std::string targetFor(int major, int minor) {
  struct Target {
    int major, minor;
    bool exact;
    const char *name;
  };
  static constexpr Target targets[] = {
      {12, 0, true, "sm_120a"}, {10, 0, true, "sm_100a"},
      {9, 0, true, "sm_90a"},   {8, 9, false, "sm_89"},
      {8, 6, false, "sm_86"},   {8, 0, false, "sm_80"}};
  for (const Target &target : targets)
    if (target.major == major && (target.exact ? target.minor == minor
                                               : target.minor <= minor))
      return target.name;
  return "";
}

int cudaVersionFor(const std::string &ptxVersion) {
  struct Version {
    const char *ptx;
    int cuda;
  };
  static constexpr Version versions[] = {
      {"8.0", 12000}, {"8.1", 12010}, {"8.2", 12020}, {"8.3", 12030},
      {"8.4", 12040}, {"8.5", 12050}, {"8.6", 12070}, {"8.7", 12080},
      {"8.8", 12090}, {"9.0", 13000}};
  for (const Version &version : versions)
    if (ptxVersion == version.ptx)
      return version.cuda;
  return 0;
}

std::string cudaVersionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

} // namespace braid::rt::cuda
