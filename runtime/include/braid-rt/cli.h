//===- braid-rt/cli.h - the runner as a function --------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_CLI_H
#define BRAID_RT_CLI_H

namespace braid::rt {

/// `braid run`, which is also the tool `braid-run`. argv[0] is the name that
/// messages and --help use ("braid run"). Text goes to stdout, everything else
/// to stderr. Returns the exit code: 0, 1 error, 2 usage, 130 interrupted.
/// Catches every Error; handles SIGINT while it generates.
int runMain(int argc, char **argv);

/// For the first line of a main. Were stdout closed, the first file that is
/// opened would get its number, and text would be written into that file.
void holdStandardStreams();

} // namespace braid::rt

#endif // BRAID_RT_CLI_H
