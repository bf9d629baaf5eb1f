//===- Arguments.h - the command line of a small command
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_ARGUMENTS_H
#define BRAID_TOOLS_ARGUMENTS_H

#include "braid-rt/error.h"
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace braid {

/// A mistake on the command line: exit code 2.
struct UsageError : rt::Error {
  using rt::Error::Error;
};

/// A number from `lowest` to `highest`. Throws UsageError naming the option.
int64_t parseNumber(const std::string &option, const std::string &text,
                    int64_t lowest, int64_t highest);

/// Words and options of a command. An option is `--name`, or `--name=value`
/// (also `--name value`, and `-j2` for a letter and a number) if its name in
/// the list ends with '='. A name that ends with '*' stands for all that begin
/// so.
struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::string> options;
  std::vector<std::string> passed; ///< Those under a '*', as they were given.

  /// Throws UsageError. After `--` everything is a word.
  static Arguments parse(int argc, char **argv,
                         std::initializer_list<const char *> known);
  bool has(const std::string &name) const { return options.count(name); }
  std::string value(const std::string &name) const {
    return has(name) ? options.at(name) : std::string();
  }
  /// The value if there is one, else the first of `choices`. Throws UsageError
  /// for a value that is none of them.
  std::string choice(const std::string &name,
                     std::initializer_list<const char *> choices) const;
  /// Throws UsageError for anything but a number from `lowest` to `highest`.
  int64_t number(const std::string &name, int64_t lowest, int64_t highest,
                 int64_t otherwise) const;
  /// The one word that there has to be. Throws UsageError: expected `what`.
  const std::string &onlyWord(const std::string &what) const;
};

/// One line, and one for the hint.
void printError(const rt::Error &error);

/// What all commands do with --help and with errors: returns the exit code of
/// `body`; 2 for a mistake in usage, 1 for any other error.
int runCommand(int argc, char **argv, const char *help,
               std::initializer_list<const char *> known,
               const std::function<int(const Arguments &)> &body);

} // namespace braid

#endif // BRAID_TOOLS_ARGUMENTS_H
