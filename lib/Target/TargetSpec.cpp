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

static const std::vector<std::string> kV3 = {"avx2", "fma", "f16c", "bmi2"};
static const std::vector<std::string> kAvx512 = {"avx512f", "avx512bw",
                                                 "avx512vl", "avx512dq"};

static TargetSpec portable(const std::string &name) {
  return {name, "x86-64-v3", "x86-64-v3", "", kV3};
}

/// A level is a fixed set of features, not "everything that this CPU has": two
/// machines of one level give the same artefact.
static TargetSpec native(const std::string &name) {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto all = [&](const std::vector<std::string> &wanted) {
    for (const std::string &feature : wanted)
      if (!features.lookup(feature))
        return false;
    return true;
  };
  if (!all(kV3))
    throw rt::Error("--target=native: this machine lacks AVX2 or FMA",
                    "Braid generates code for x86-64-v3 and above");
  if (!all(kAvx512))
    return portable(name);
  TargetSpec spec{name, "avx512", "x86-64-v4", "", kV3};
  spec.required.insert(spec.required.end(), kAvx512.begin(), kAvx512.end());
  if (features.lookup("avx512bf16")) {
    spec.level = "avx512-bf16";
    spec.attributes = "+avx512bf16";
    spec.required.push_back("avx512_bf16");
  }
  return spec;
}

TargetSpec braid::parseTarget(const std::string &name) {
  if (name == "cpu" || name == "x86-64-v3")
    return portable(name);
  if (name == "native")
    return native(name);
  throw rt::Error("--target: expected cpu or native, found '" + name + "'",
                  "GPU targets are not compiled yet");
}
