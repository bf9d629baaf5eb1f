//===- Program.cpp - a program that does not outlive Braid
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "llvm/Support/FileSystem.h"
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/// In the child, where only what POSIX calls async-signal-safe may be used.
[[noreturn]] static void execute(char *const *arguments, int output, int log,
                                 pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int in = ::open("/dev/null", O_RDONLY);
  // The parent may have ended before it could be asked about.
  if (::getppid() == parent && in >= 0 && ::dup2(in, 0) >= 0 &&
      ::dup2(output, 1) >= 0 && ::dup2(log, 2) >= 0 && ::chdir("/") == 0)
    ::execv(arguments[0], arguments);
  ::_exit(127);
}

int braid::runProgram(llvm::ArrayRef<std::string> arguments, int output,
                      int log) {
  std::vector<char *> words;
  for (const std::string &argument : arguments)
    words.push_back(const_cast<char *>(argument.c_str()));
  words.push_back(nullptr);
  pid_t parent = ::getpid(), child = ::fork();
  if (child < 0)
    return 127;
  if (child == 0)
    execute(words.data(), output, log, parent);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string braid::absolute(llvm::StringRef path) {
  llvm::SmallString<128> whole(path);
  // Without a current folder, the path as it is: it will not be found.
  (void)llvm::sys::fs::make_absolute(whole);
  return whole.str().str();
}
