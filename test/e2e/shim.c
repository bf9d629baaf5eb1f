/*===- shim.c - preloaded into braid by never.py ----------------------------===*
 *
 * Part of the Braid project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*
 *
 * BRAID_SHIM=no-dlopen  loading code ends the process with exit code 66
 * BRAID_SHIM=before:N   SIGKILL before the N-th rename, counted from 1
 * BRAID_SHIM=after:N    SIGKILL after it
 * Only in processes called braid: the linker that it calls is left alone.
 *===----------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wanted(const char *kind) {
  const char *given = getenv("BRAID_SHIM");
  size_t length = strlen(kind);
  if (!given || strncmp(given, kind, length) ||
      strncmp(program_invocation_short_name, "braid", 5))
    return 0;
  return given[length] == ':' ? atoi(given + length + 1) : 1;
}

void *dlopen(const char *name, int flags) {
  if (name && wanted("no-dlopen"))
    _exit(66);
  void *(*real)(const char *, int) =
      (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
  return real(name, flags);
}

int rename(const char *from, const char *to) {
  static int count = 0;
  int (*real)(const char *, const char *) =
      (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  ++count;
  if (wanted("before") == count)
    kill(getpid(), SIGKILL);
  int result = real(from, to);
  if (wanted("after") == count)
    kill(getpid(), SIGKILL);
  return result;
}
