//===- Program.h - a program that does not outlive Braid (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TARGET_PROGRAM_H
#define BRAID_LIB_TARGET_PROGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace braid {

/// Runs `arguments`, of which the first is the program's path, to its end; what
/// it prints goes to descriptor `output`, what it complains of to `log`. It is
/// killed when Braid is, but a moment later: a file that it makes by name would
/// be there again after Braid has removed it. So it should write its result to
/// a descriptor that Braid has open. It runs in the root folder, where it finds
/// no file of the user's: all paths are absolute. Returns the exit code, 128 + N
/// after signal N, 127 if the program cannot be started.
int runProgram(llvm::ArrayRef<std::string> arguments, int output, int log);

/// `path` as runProgram wants it.
std::string absolute(llvm::StringRef path);

} // namespace braid

#endif // BRAID_LIB_TARGET_PROGRAM_H
