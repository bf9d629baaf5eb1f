//===- Arguments.cpp - the command line of a small command
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include <cctype>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

using namespace braid;

int64_t braid::parseNumber(const std::string &option, const std::string &text,
                           int64_t lowest, int64_t highest) {
  int64_t number = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && number >= lowest &&
      number <= highest)
    return number;
  throw UsageError(option + ": expected a number from " +
                   std::to_string(lowest) + " to " + std::to_string(highest) +
                   ", found '" + text + "'");
}

/// The option's spelling in `known`, or null.
static const char *find(std::initializer_list<const char *> known,
                        const std::string &name) {
  for (std::string_view option : known)
    if (name == option || name + "=" == option ||
        (option.ends_with('*') &&
         name.starts_with(option.substr(0, option.size() - 1))))
      return option.data();
  return nullptr;
}

namespace {
struct Option {
  std::string name;
  std::optional<std::string> value;
};
} // namespace

static Option split(const std::string &argument) {
  if (argument.size() > 2 && isdigit(argument[2]) && argument[1] != '-')
    return {argument.substr(0, 2), argument.substr(2)};
  size_t equals = argument.find('=');
  if (equals == argument.npos)
    return {argument, std::nullopt};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
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
    auto [name, value] = split(argument);
    const char *option = find(known, name);
    if (!option)
      throw UsageError("unknown option '" + name + "'",
                       "`braid " + std::string(argv[0]) +
                           " --help` lists the options");
    if (std::string_view(option).ends_with('*')) {
      arguments.passed.push_back(argument);
      continue;
    }
    bool takesValue = name != option;
    if (!takesValue && value)
      throw UsageError(name + ": takes no value");
    if (takesValue && !value && i + 1 < argc)
      value = argv[++i];
    if (takesValue && (!value || value->empty()))
      throw UsageError(name + ": expected a value");
    arguments.options[name] = value.value_or("");
  }
  return arguments;
}

std::string
Arguments::choice(const std::string &name,
                  std::initializer_list<const char *> choices) const {
  if (!has(name))
    return *choices.begin();
  std::string list;
  for (const char *choice : choices) {
    if (!*choice)
      continue; // What no option at all means.
    if (value(name) == choice)
      return choice;
    list += (list.empty() ? "" : " or ") + std::string(choice);
  }
  throw UsageError(name + ": expected " + list + ", found '" + value(name) +
                   "'");
}

int64_t Arguments::number(const std::string &name, int64_t lowest,
                          int64_t highest, int64_t otherwise) const {
  return has(name) ? parseNumber(name, value(name), lowest, highest)
                   : otherwise;
}

const std::string &Arguments::onlyWord(const std::string &what) const {
  if (words.empty())
    throw UsageError("expected " + what, "--help shows examples");
  if (words.size() > 1)
    throw UsageError("expected " + what + ", found '" + words[0] + "' and '" +
                     words[1] + "'");
  return words[0];
}

void braid::printError(const rt::Error &error) {
  fprintf(stderr, "error: %s\n", error.what());
  if (!error.hint.empty())
    fprintf(stderr, "hint: %s\n", error.hint.c_str());
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
  return printError(error), 2;
} catch (const rt::Error &error) {
  return printError(error), 1;
} catch (const std::exception &error) {
  return printError(rt::Error(error.what())), 1;
}
