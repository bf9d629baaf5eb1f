//===- Arguments.cpp - the command line of a small command
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"

using namespace braid;

/// The option's spelling in `known`, or null.
static const char *find(std::initializer_list<const char *> known,
                        const std::string &name) {
  for (const char *option : known)
    if (name == option || name + "=" == option)
      return option;
  return nullptr;
}

Arguments Arguments::parse(int argc, char **argv,
                           std::initializer_list<const char *> known) {
  Arguments arguments;
  bool wordsOnly = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (wordsOnly || argument.size() < 2 || argument[0] != '-') {
      arguments.words.push_back(argument);
      continue;
    }
    wordsOnly = argument == "--";
    if (wordsOnly)
      continue;
    size_t equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    const char *option = find(known, name);
    if (!option)
      throw UsageError("unknown option '" + name + "'",
                       "`braid " + std::string(argv[0]) +
                           " --help` lists the options");
    bool takesValue = name != option;
    if (!takesValue && equals != argument.npos)
      throw UsageError(name + ": takes no value");
    if (takesValue && equals == argument.npos && i + 1 == argc)
      throw UsageError(name + ": expected a value");
    arguments.options[name] = !takesValue ? ""
                              : equals == argument.npos
                                  ? argv[++i]
                                  : argument.substr(equals + 1);
  }
  return arguments;
}

static int fail(const rt::Error &error, int code) {
  fprintf(stderr, "error: %s\n", error.what());
  if (!error.hint.empty())
    fprintf(stderr, "hint: %s\n", error.hint.c_str());
  return code;
}

int braid::runCommand(int argc, char **argv, const char *help,
                      std::initializer_list<const char *> known,
                      const std::function<int(const Arguments &)> &body) try {
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--")
      break;
    if (argument == "--help" || argument == "-h")
      return fputs(help, stdout) < 0;
  }
  return body(Arguments::parse(argc, argv, known));
} catch (const UsageError &error) {
  return fail(error, 2);
} catch (const rt::Error &error) {
  return fail(error, 1);
}
