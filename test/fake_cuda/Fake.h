//===- Fake.h - a CUDA driver without a GPU -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library with the entry points of libcuda.so.1 that the runtime uses; the
// environment's BRAID_CUDA_LIBRARY puts it in the driver's place. The GPU's
// memory is memory of the host that cannot be touched between calls, and its
// kernels are run by the simulator. What a real driver forgives or punishes late
// ends the process here at once: a call without a context, in the middle of a
// capture, with an unknown handle, a thing that is not given back.
//
// The environment's BRAID_FAKE_CUDA sets it up, "name=value" with commas:
//   artifact=PATH       whose kernels may be loaded
//   cc=9.0  driver=13000  gpus=1  memory=BYTES  reserve=1 (0: no addresses)
//   fail=NAME:N:CODE    the N-th call of NAME, from 1, returns CODE
//   calls=PATH          the number of calls of each function, written at exit
//===----------------------------------------------------------------------===//
#ifndef BRAID_TEST_FAKE_CUDA_FAKE_H
#define BRAID_TEST_FAKE_CUDA_FAKE_H

#include "cuda/CudaApi.h"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fake {

using namespace braid::rt::cuda;

struct Settings {
  std::string artifact, failName, callsPath;
  int major = 9, minor = 0, driver = 13000, gpus = 1;
  uint64_t memory = uint64_t(1) << 30;
  bool reserve = true;
  int failAt = 0, failCode = 999;
};

/// Ends the process: the runtime has done what it must not.
[[noreturn]] void violation(const std::string &what);

constexpr uint64_t kPage = uint64_t(2) << 20; ///< Granularity of cuMemCreate.

/// A range of the GPU's addresses.
struct Range {
  uint64_t bytes = 0;
  bool reserved = false; ///< Of cuMemAddressReserve, else of cuMemAlloc.
  struct Mapping {
    uint64_t bytes = 0;
    bool open = false; ///< Accessible.
  };
  std::map<CUdeviceptr, Mapping> mappings; ///< Of a reserved one.
};

/// A kernel with parameters, or a copy: what a stream does when it comes to it.
using Work = std::function<void()>;

/// All that the driver knows.
struct Driver {
  Settings settings;
  std::recursive_mutex mutex;
  std::map<std::string, int> calls;
  bool started = false;
  int contextUsers = 0;
  CUresult broken = 0; ///< After a fault everything fails with it.

  std::map<CUdeviceptr, Range> ranges;
  std::map<uint64_t, uint64_t> handles; ///< Of cuMemCreate: bytes.
  std::map<uint64_t, int> handleUsers;  ///< The handle itself and mappings.
  std::map<CUdeviceptr, uint64_t> mappedHandles;
  uint64_t used = 0, nextHandle = 1;
  std::map<void *, uint64_t> pinned;

  std::set<void *> modules, streams, graphs, executables;
  bool capturing = false;
  std::vector<Work> queue, captured;
};
Driver &driver();

/// Begins an entry point: holds the lock, counts the call, fails it if told to,
/// and looks at when it is called.
class Call {
public:
  enum Needs { Nothing, Started, Context };
  Call(const char *name, Needs needs, bool allowedInCapture = false);
  CUresult code() const { return result; }

private:
  std::lock_guard<std::recursive_mutex> lock;
  CUresult result = 0;
};

/// Does what the stream was given so far, the GPU's memory open meanwhile.
void drain();
/// Opens the GPU's memory while it lives.
class OpenMemory {
public:
  OpenMemory();
  ~OpenMemory();
};
/// The end of the accessible memory that an address lies in; 0 if in none.
CUdeviceptr endOf(CUdeviceptr address);
/// The end of the range that an address lies in, be there memory or not (the
/// host then faults as the GPU would); 0 if in none.
CUdeviceptr rangeEndOf(CUdeviceptr address);
/// Ends the process unless all of it is accessible memory of the GPU.
void checkAccess(CUdeviceptr address, uint64_t bytes, const char *what);
bool isPinned(const void *address, uint64_t bytes);

/// What is alive, as text; empty if nothing is.
std::string leftovers();

template <typename T> T handleOf(void *object) {
  return reinterpret_cast<T>(object);
}
inline void known(const std::set<void *> &set, void *handle,
                  const char *what) {
  if (!set.count(handle))
    violation(std::string("an unknown ") + what);
}

} // namespace fake

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

#endif // BRAID_TEST_FAKE_CUDA_FAKE_H
