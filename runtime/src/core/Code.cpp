//===- Code.cpp - the functions of an artefact ----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Code.h"
#include "braid-rt/error.h"
#include "braid-rt/machine.h"

#include <cstdlib>
#include <dlfcn.h>

namespace braid::rt {

/// dlopen searches library paths for a name without a slash.
static std::string absolute(const std::string &path) {
  char *resolved = realpath(path.c_str(), nullptr);
  std::string result = resolved ? resolved : path;
  free(resolved);
  return result;
}

Code::Code(const Artifact &artifact) : path(artifact.path) {
  const Manifest &manifest = artifact.manifest;
  std::string missing = missingFeature(manifest.features);
  if (!missing.empty())
    throw Error(path + ": was compiled for a CPU with " + missing +
                    ", which this machine lacks",
                "compile the model with --target=cpu, the portable level");
  handle = dlopen(absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw Error(path + ": cannot be loaded: " + dlerror());
}

Code::~Code() {
  if (handle)
    dlclose(handle);
}

void *Code::symbol(const std::string &name) const {
  void *address = dlsym(handle, name.c_str());
  if (!address)
    throw Error(path + ": has no function \"" + name +
                "\", which its manifest names");
  return address;
}

braid_step_fn Code::step(const std::string &name) const {
  return reinterpret_cast<braid_step_fn>(symbol(name));
}

braid_sim_fn Code::sim(const std::string &name) const {
  return reinterpret_cast<braid_sim_fn>(symbol(name));
}

braid_prepare_fn Code::prepare(const std::string &name) const {
  return reinterpret_cast<braid_prepare_fn>(symbol(name));
}

} // namespace braid::rt
