//===- TargetSpec.cpp - what code is made for
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Target/TargetSpec.h"
#include "braid-rt/error.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace braid;

/// A level is a fixed set of features, not "everything that this CPU has": two
/// machines of one level give the same artefact. Each includes those before.
static const std::vector<TargetSpec> &levels() {
  static const std::vector<TargetSpec> all = [] {
    std::vector<std::string> v3 = {"avx2", "fma", "f16c", "bmi2"};
    std::vector<std::string> v4 = v3;
    for (const char *feature : {"avx512f", "avx512bw", "avx512vl", "avx512dq"})
      v4.push_back(feature);
    std::vector<std::string> bf16 = v4;
    bf16.push_back("avx512_bf16");
    return std::vector<TargetSpec>{
        {"x86-64-v3", "x86-64-v3", "", v3},
        {"avx512", "x86-64-v4", "", v4},
        {"avx512-bf16", "x86-64-v4", "+avx512bf16", bf16}};
  }();
  return all;
}

/// LLVM spells one of the features otherwise than /proc/cpuinfo.
static bool hasAll(const llvm::StringMap<bool> &host, const TargetSpec &level) {
  for (const std::string &feature : level.required)
    if (!host.lookup(feature == "avx512_bf16" ? "avx512bf16" : feature))
      return false;
  return true;
}

static TargetSpec native() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  const TargetSpec *best = nullptr;
  for (const TargetSpec &level : levels())
    if (hasAll(host, level))
      best = &level;
  if (!best)
    throw rt::Error("--target=native: this machine lacks AVX2 or FMA",
                    "Braid generates code for x86-64-v3 and above");
  return *best;
}

std::vector<std::string> braid::isaLevels() {
  std::vector<std::string> names;
  for (const TargetSpec &level : levels())
    names.push_back(level.level);
  return names;
}

TargetSpec braid::parseTarget(const std::string &name) {
  if (name == "native")
    return native();
  for (const TargetSpec &level : levels())
    if (name == level.level || (name == "cpu" && &level == &levels()[0]))
      return level;
  std::string list = "cpu, native";
  for (const std::string &level : isaLevels())
    list += ", " + level;
  throw rt::Error("--target: expected one of " + list + ", found '" + name +
                      "'",
                  "GPU targets are not compiled yet");
}
