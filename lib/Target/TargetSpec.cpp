//===- TargetSpec.cpp - what code is made for
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Target/TargetSpec.h"
#include "braid-rt/error.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
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

static const std::vector<GPUTarget> &gpuTargets() {
  static const std::vector<GPUTarget> all = {
      {"sm_80", "8.0", false}, {"sm_86", "8.0", false},
      {"sm_89", "8.1", false}, {"sm_90a", "8.3", true},
      {"sm_100a", "8.6", true}, {"sm_120a", "8.7", true}};
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
  for (const GPUTarget &gpu : gpuTargets())
    list += ", " + gpu.name;
  throw rt::Error("--target: expected one of " + list + ", found '" + name +
                      "'",
                  "several with commas between them; cards have names as well, "
                  "such as a100, l40s, h200");
}

static const GPUTarget *findGPU(llvm::StringRef name) {
  name = llvm::StringSwitch<llvm::StringRef>(name)
             .Case("a100", "sm_80")
             .Cases({"a10", "a40", "rtx3090"}, "sm_86")
             .Cases({"l4", "l40", "l40s", "rtx4090"}, "sm_89")
             .Cases({"h100", "h200", "gh200"}, "sm_90a")
             .Cases({"b200", "gb200"}, "sm_100a")
             .Cases({"rtx5090", "rtxpro6000"}, "sm_120a")
             .Default(name);
  for (const GPUTarget &gpu : gpuTargets())
    if (name == gpu.name)
      return &gpu;
  return nullptr;
}

GPUTarget braid::parseGPUTarget(const std::string &where,
                                const std::string &name) {
  if (const GPUTarget *gpu = findGPU(name))
    return *gpu;
  std::string list;
  for (const GPUTarget &gpu : gpuTargets())
    list += (list.empty() ? "" : ", ") + gpu.name;
  throw rt::Error(where + ": expected one GPU of " + list + ", found '" + name +
                      "'",
                  "cards have names as well, such as a100, l40s, h200");
}

TargetList braid::parseTargets(const std::string &list) {
  TargetList targets;
  llvm::SmallVector<llvm::StringRef> names;
  llvm::SmallVector<const GPUTarget *> given;
  llvm::StringRef(list).split(names, ',');
  for (llvm::StringRef name : names) {
    if (const GPUTarget *gpu = findGPU(name)) {
      if (llvm::is_contained(given, gpu))
        throw rt::Error("--target: " + gpu->name + " is named twice, again as '" +
                        name.str() + "'");
      given.push_back(gpu);
      targets.gpus.push_back(*gpu);
      continue;
    }
    parseTarget(name.str());
    if (!targets.cpu.empty())
      throw rt::Error("--target: expected one CPU level, found '" +
                      targets.cpu + "' and '" + name.str() + "'");
    targets.cpu = name.str();
  }
  if (targets.cpu.empty())
    targets.cpu = "cpu";
  return targets;
}
