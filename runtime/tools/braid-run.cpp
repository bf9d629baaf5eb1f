//===- braid-run.cpp - the runner without a compiler ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/cli.h"

int main(int argc, char **argv) {
  braid::rt::holdStandardStreams();
  char name[] = "braid-run";
  argv[0] = name;
  return braid::rt::runMain(argc, argv);
}
