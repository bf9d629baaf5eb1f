//===- Version.cpp - braid --version
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/abi.h"
#include "braid-rt/error.h"
#include "braid/Target/TargetSpec.h"
#include "llvm/Config/llvm-config.h"
#include <cstdio>

namespace braid {

static std::string nativeLevel() {
  try {
    return parseTarget("native").level;
  } catch (const rt::Error &) {
    return "none of them";
  }
}

int printVersion() {
  std::string levels;
  for (const std::string &level : isaLevels())
    levels += (levels.empty() ? "" : ", ") + level;
  printf("braid %s\nLLVM %s\nABI %d\nISA levels %s; this machine: %s\n",
         BRAID_VERSION, LLVM_VERSION_STRING, BRAID_ABI_VERSION, levels.c_str(),
         nativeLevel().c_str());
  return 0;
}

} // namespace braid
