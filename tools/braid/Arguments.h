//===- Arguments.h - the command line of a small command
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_ARGUMENTS_H
#define BRAID_TOOLS_ARGUMENTS_H

#include "braid-rt/error.h"
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace braid {

/// Words and options of a command. An option is `--name`, or `--name=value`
/// (also `--name value`) if its name in the list ends with '='.
struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::string> options;

  /// Throws rt::Error: a mistake in usage. After `--` everything is a word.
  static Arguments parse(int argc, char **argv,
                         std::initializer_list<const char *> known);
  bool has(const std::string &name) const { return options.count(name); }
  std::string value(const std::string &name) const {
    return has(name) ? options.at(name) : std::string();
  }
};

/// What all commands do with --help and with errors: returns the exit code of
/// `body`; 2 for a mistake in usage, 1 for any other error.
int runCommand(int argc, char **argv, const char *help,
               std::initializer_list<const char *> known,
               const std::function<int(const Arguments &)> &body);

/// Thrown by a body that finds the words wrong.
struct UsageError : rt::Error {
  using rt::Error::Error;
};

} // namespace braid

#endif // BRAID_TOOLS_ARGUMENTS_H
