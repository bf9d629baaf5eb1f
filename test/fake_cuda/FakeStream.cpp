//===- FakeStream.cpp - copies, kernels and graphs of the fake GPU --------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "FakeModule.h"

#include <cstring>

namespace fake {

void drain() {
  std::vector<Work> work;
  std::swap(work, driver().queue);
  if (work.empty())
    return;
  OpenMemory open;
  for (const Work &one : work)
    if (!driver().broken)
      one();
}

namespace {
struct Graph {
  std::vector<Work> work;
};
char theStream;
} // namespace

static void checkStream(CUstream stream) {
  known(driver().streams, stream, "stream");
}

static void *pointer(CUdeviceptr address) {
  return reinterpret_cast<void *>(address);
}

} // namespace fake

using namespace fake;

FAKE_EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  Call call("cuStreamCreate", Call::Context);
  if (flags != CU_STREAM_NON_BLOCKING)
    violation("a stream that waits for others");
  if (call.code())
    return call.code();
  *stream = handleOf<CUstream>(&theStream);
  driver().streams.insert(*stream);
  return 0;
}

FAKE_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  Call call("cuStreamDestroy", Call::Context);
  checkStream(stream);
  drain();
  driver().streams.erase(stream);
  return call.code();
}

FAKE_EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  Call call("cuStreamSynchronize", Call::Context);
  checkStream(stream);
  drain();
  return call.code() ? call.code() : driver().broken;
}

/// Pageable memory is read during the call, pinned memory when it is its turn.
FAKE_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                          size_t bytes, CUstream stream) {
  Call call("cuMemcpyHtoDAsync", Call::Context);
  checkStream(stream);
  checkAccess(to, bytes, "cuMemcpyHtoDAsync");
  if (call.code())
    return call.code();
  driver().queue.push_back(
      [=] { std::memcpy(pointer(to), from, bytes); });
  if (!isPinned(from, bytes))
    drain();
  return driver().broken;
}

FAKE_EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from,
                                          size_t bytes, CUstream stream) {
  Call call("cuMemcpyDtoHAsync", Call::Context);
  checkStream(stream);
  checkAccess(from, bytes, "cuMemcpyDtoHAsync");
  if (call.code())
    return call.code();
  driver().queue.push_back(
      [=] { std::memcpy(to, pointer(from), bytes); });
  if (!isPinned(to, bytes))
    drain();
  return driver().broken;
}

FAKE_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from,
                                          size_t bytes, CUstream stream) {
  Call call("cuMemcpyDtoDAsync", Call::Context);
  checkStream(stream);
  checkAccess(from, bytes, "cuMemcpyDtoDAsync");
  checkAccess(to, bytes, "cuMemcpyDtoDAsync");
  if (!call.code())
    driver().queue.push_back(
        [=] { std::memcpy(pointer(to), pointer(from), bytes); });
  return call.code();
}

FAKE_EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value,
                                     size_t bytes, CUstream stream) {
  Call call("cuMemsetD8Async", Call::Context);
  checkStream(stream);
  checkAccess(to, bytes, "cuMemsetD8Async");
  if (!call.code())
    driver().queue.push_back(
        [=] { std::memset(pointer(to), value, bytes); });
  return call.code();
}

FAKE_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gx,
                                    unsigned gy, unsigned gz, unsigned bx,
                                    unsigned by, unsigned bz, unsigned shared,
                                    CUstream stream, void **parameters,
                                    void **extra) {
  Call call("cuLaunchKernel", Call::Context, /*allowedInCapture=*/true);
  checkStream(stream);
  if (extra || by != 1 || bz != 1)
    violation("a launch of an unexpected form");
  Driver &d = driver();
  if (call.code())
    return call.code();
  if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || gx > 0x7fffffff)
    return CUDA_ERROR_INVALID_VALUE;
  Work work = launchOf(function, {gx, gy, gz}, bx, shared, parameters);
  (d.capturing ? d.captured : d.queue).push_back(std::move(work));
  return 0;
}

FAKE_EXPORT CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  Call call("cuStreamBeginCapture", Call::Context);
  checkStream(stream);
  if (mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
    violation("a capture of an unexpected mode");
  if (!call.code())
    driver().capturing = true;
  return call.code();
}

FAKE_EXPORT CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  Call call("cuStreamEndCapture", Call::Context, /*allowedInCapture=*/true);
  checkStream(stream);
  Driver &d = driver();
  if (!d.capturing)
    violation("the end of a capture that has not begun");
  d.capturing = false;
  auto *made = new Graph{std::move(d.captured)};
  d.captured.clear();
  if (call.code()) {
    delete made;
    return call.code();
  }
  d.graphs.insert(made);
  *graph = handleOf<CUgraph>(made);
  return 0;
}

FAKE_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable,
                                                 CUgraph graph,
                                                 unsigned long long) {
  Call call("cuGraphInstantiate", Call::Context);
  known(driver().graphs, graph, "graph");
  if (call.code())
    return call.code();
  auto *made = new Graph(*reinterpret_cast<Graph *>(graph));
  driver().executables.insert(made);
  *executable = handleOf<CUgraphExec>(made);
  return 0;
}

FAKE_EXPORT CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  Call call("cuGraphLaunch", Call::Context);
  checkStream(stream);
  known(driver().executables, executable, "graph");
  if (call.code())
    return call.code();
  const Graph &graph = *reinterpret_cast<Graph *>(executable);
  auto &queue = driver().queue;
  queue.insert(queue.end(), graph.work.begin(), graph.work.end());
  return 0;
}

FAKE_EXPORT CUresult cuGraphExecDestroy(CUgraphExec executable) {
  Call call("cuGraphExecDestroy", Call::Context);
  known(driver().executables, executable, "graph");
  driver().executables.erase(executable);
  delete reinterpret_cast<Graph *>(executable);
  return call.code();
}

FAKE_EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  Call call("cuGraphDestroy", Call::Context);
  known(driver().graphs, graph, "graph");
  driver().graphs.erase(graph);
  delete reinterpret_cast<Graph *>(graph);
  return call.code();
}
