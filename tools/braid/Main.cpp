//===- Main.cpp - braid: one command per journey
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/cli.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace braid {
int benchMain(int argc, char **argv);
int compileMain(int argc, char **argv);
int inspectMain(int argc, char **argv);
int planMain(int argc, char **argv);
int tokenizeMain(int argc, char **argv);
int verifyMain(int argc, char **argv);
int printVersion();
} // namespace braid

using namespace braid;

/// The runner names itself in its messages.
static int runMain(int argc, char **argv) {
  char name[] = "braid run";
  argv[0] = name;
  return rt::runMain(argc, argv);
}

namespace {
struct Command {
  const char *name;
  int (*main)(int argc, char **argv);
  const char *what;
  const char *journey = nullptr; ///< The first of a journey names it.
};

constexpr Command kCommands[] = {
    {"plan", planMain, "what a model needs, from its config.json alone",
     "compile and run"},
    {"compile", compileMain, "a checkpoint becomes an artefact"},
    {"run", runMain, "text from an artefact"},
    {"bench", benchMain, "speed, and how far from the machine's limits"},
    {"inspect", inspectMain, "what is in an artefact; runs none of it",
     "inspect (braid compile --stop-after=PHASE writes the IR)"},
    {"tokenize", tokenizeMain, "text to ids and back"},
    {"verify", verifyMain, "whether an artefact is intact and computes right",
     "deploy (copy an artefact, its weights and braid-run)"},
};
} // namespace

static int usage(FILE *out, int code) {
  fprintf(out, "usage: braid COMMAND [options]   (braid COMMAND --help)\n"
               "       braid --version\n");
  for (const Command &command : kCommands) {
    if (command.journey)
      fprintf(out, "\n%s\n", command.journey);
    fprintf(out, "  %-9s %s\n", command.name, command.what);
  }
  return code;
}

/// A full disk may show only when the last bytes are written.
static int finish(int code) {
  if (code != 0 || (fflush(stdout) == 0 && !ferror(stdout)))
    return code;
  fprintf(stderr, "error: stdout: cannot be written: %s\n", strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  rt::holdStandardStreams();
  if (argc < 2)
    return usage(stderr, 2);
  if (!strcmp(argv[1], "help") && argc > 2) { // `braid help plan`
    std::swap(argv[1], argv[2]);
    static char option[] = "--help";
    argv[2] = option;
  }
  for (const char *help : {"--help", "-h", "help"})
    if (!strcmp(argv[1], help))
      return finish(usage(stdout, 0));
  if (!strcmp(argv[1], "--version"))
    return finish(printVersion());
  for (const Command &command : kCommands)
    if (!strcmp(argv[1], command.name))
      return finish(command.main(argc - 1, argv + 1));
  fprintf(stderr, "error: unknown command '%s'\n", argv[1]);
  return usage(stderr, 2);
}
