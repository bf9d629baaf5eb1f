//===- FakeDriver.cpp - start, devices, contexts, errors ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace fake {

static thread_local bool current = false; ///< Whether the context is.
static char theContext;

void violation(const std::string &what) {
  std::fprintf(stderr, "fake cuda: %s\n", what.c_str());
  std::abort();
}

static void set(Settings &s, const std::string &name,
                const std::string &value) {
  std::istringstream in(value);
  char point;
  if (name == "artifact")
    s.artifact = value;
  else if (name == "calls")
    s.callsPath = value;
  else if (name == "cc")
    in >> s.major >> point >> s.minor;
  else if (name == "driver")
    in >> s.driver;
  else if (name == "gpus")
    in >> s.gpus;
  else if (name == "memory")
    in >> s.memory;
  else if (name == "reserve")
    in >> s.reserve;
  else if (name == "fail") {
    std::getline(in, s.failName, ':');
    in >> s.failAt >> point >> s.failCode;
  } else
    violation("BRAID_FAKE_CUDA: unknown setting " + name);
}

static Settings readSettings() {
  Settings settings;
  const char *text = std::getenv("BRAID_FAKE_CUDA");
  std::istringstream in(text ? text : "");
  for (std::string one; std::getline(in, one, ',');) {
    size_t equals = one.find('=');
    if (equals == one.npos)
      violation("BRAID_FAKE_CUDA: expected name=value");
    set(settings, one.substr(0, equals), one.substr(equals + 1));
  }
  return settings;
}

std::string leftovers() {
  Driver &d = driver();
  std::string text;
  auto count = [&](size_t number, const char *what) {
    if (number)
      text += " " + std::to_string(number) + " " + what;
  };
  count(d.ranges.size(), "ranges of memory");
  count(d.handles.size(), "pieces of memory");
  count(d.pinned.size(), "pinned buffers");
  count(d.modules.size(), "modules");
  count(d.streams.size(), "streams");
  count(d.graphs.size() + d.executables.size(), "graphs");
  return text;
}

/// At the end of the process: counts are written, nothing may be held.
static void finish() {
  Driver &d = driver();
  if (d.contextUsers)
    violation("the context is still held at exit;" + leftovers());
  if (d.settings.callsPath.empty())
    return;
  std::ofstream out(d.settings.callsPath);
  for (auto &[name, count] : d.calls)
    out << name << " " << count << "\n";
}

/// Never destroyed: others' destructors may still call.
Driver &driver() {
  static Driver *only = [] {
    std::atexit(finish);
    return new Driver;
  }();
  return *only;
}

Call::Call(const char *name, Needs needs, bool allowedInCapture)
    : lock(driver().mutex) {
  Driver &d = driver();
  if (needs >= Started && !d.started)
    violation(std::string(name) + " before cuInit");
  bool entered = current && d.contextUsers;
  bool failed = d.settings.failName == "cuCtxSetCurrent";
  if (needs == Context && !entered && !failed)
    violation(std::string(name) + " without a context");
  if (d.capturing && !allowedInCapture)
    violation(std::string(name) + " in a capture");
  int number = ++d.calls[name];
  if (name == d.settings.failName && number == d.settings.failAt)
    result = d.settings.failCode;
  else if (needs == Context)
    result = entered ? d.broken : 201;
}

} // namespace fake

using namespace fake;

FAKE_EXPORT CUresult cuInit(unsigned) {
  Driver &d = driver();
  if (!d.contextUsers) { // A new engine: new settings, counts from 0.
    d.settings = readSettings();
    d.calls.clear();
    d.broken = 0;
  }
  Call call("cuInit", Call::Nothing);
  d.started = d.started || !call.code();
  return d.settings.gpus == 0 && !call.code() ? int(CUDA_ERROR_NO_DEVICE)
                                              : call.code();
}

FAKE_EXPORT CUresult cuDriverGetVersion(int *version) {
  Call call("cuDriverGetVersion", Call::Nothing);
  if (!call.code())
    *version = driver().settings.driver;
  return call.code();
}

FAKE_EXPORT CUresult cuGetErrorName(CUresult code, const char **name) {
  static const std::map<int, const char *> names = {
      {1, "CUDA_ERROR_INVALID_VALUE"},     {2, "CUDA_ERROR_OUT_OF_MEMORY"},
      {100, "CUDA_ERROR_NO_DEVICE"},       {200, "CUDA_ERROR_INVALID_IMAGE"},
      {209, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
      {500, "CUDA_ERROR_NOT_FOUND"},       {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}};
  auto found = names.find(code);
  *name = found == names.end() ? nullptr : found->second;
  return *name ? 0 : CUDA_ERROR_INVALID_VALUE;
}

FAKE_EXPORT CUresult cuGetErrorString(CUresult, const char **text) {
  *text = "as the fake driver was told";
  return 0;
}

FAKE_EXPORT CUresult cuDeviceGetCount(int *count) {
  Call call("cuDeviceGetCount", Call::Started);
  if (!call.code())
    *count = driver().settings.gpus;
  return call.code();
}

FAKE_EXPORT CUresult cuDeviceGet(CUdevice *device, int number) {
  Call call("cuDeviceGet", Call::Started);
  if (number < 0 || number >= driver().settings.gpus)
    violation("cuDeviceGet: no such GPU");
  *device = 7 + number; // Not the number: nobody may take one for the other.
  return call.code();
}

static void checkDevice(CUdevice device) {
  if (device < 7 || device >= 7 + driver().settings.gpus)
    violation("an unknown device");
}

FAKE_EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  Call call("cuDeviceGetName", Call::Started);
  checkDevice(device);
  std::snprintf(name, size_t(length), "Fake GPU");
  return call.code();
}

FAKE_EXPORT CUresult cuDeviceGetAttribute(int *value, int which,
                                          CUdevice device) {
  Call call("cuDeviceGetAttribute", Call::Started);
  checkDevice(device);
  const Settings &s = driver().settings;
  switch (which) {
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    *value = s.major;
    break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    *value = s.minor;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    *value = s.major == 8 && s.minor ? 101376 : 232448;
    break;
  case CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED:
    *value = s.reserve;
    break;
  default:
    violation("an unknown attribute");
  }
  return call.code();
}

FAKE_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context,
                                              CUdevice device) {
  Call call("cuDevicePrimaryCtxRetain", Call::Started);
  checkDevice(device);
  if (call.code())
    return call.code();
  ++driver().contextUsers;
  *context = handleOf<CUcontext>(&theContext);
  return 0;
}

FAKE_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  Call call("cuDevicePrimaryCtxRelease", Call::Started);
  checkDevice(device);
  if (driver().contextUsers-- == 0)
    violation("a context is released that nobody holds");
  if (!driver().contextUsers && !leftovers().empty())
    violation("the context is released and there are still" + leftovers());
  return call.code();
}

FAKE_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  Call call("cuCtxSetCurrent", Call::Started, /*allowedInCapture=*/true);
  if (context && context != handleOf<CUcontext>(&theContext))
    violation("an unknown context");
  if (!call.code())
    current = context != nullptr;
  return call.code();
}

//===----------------------------------------------------------------------===//
// For tests in the same process
//===----------------------------------------------------------------------===//

FAKE_EXPORT int braid_fake_cuda_calls(const char *name) {
  auto found = driver().calls.find(name);
  return found == driver().calls.end() ? 0 : found->second;
}

FAKE_EXPORT const char *braid_fake_cuda_leftovers() {
  static std::string text;
  text = leftovers();
  if (driver().contextUsers)
    text += " a context";
  return text.c_str();
}
