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

/// Runs `arguments`, of which the first is the program's path, to its end with
/// what it prints in file `log`. It is killed when Braid is: a linker that lives
/// on would write the file that Braid has just removed. Returns the exit code,
/// 128 + N after signal N, 127 if the program cannot be started.
int runProgram(llvm::ArrayRef<std::string> arguments, const std::string &log);

} // namespace braid

#endif // BRAID_LIB_TARGET_PROGRAM_H
