//===- FakeMemory.cpp - memory of the fake GPU ----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace fake {

static void *pointer(CUdeviceptr address) {
  return reinterpret_cast<void *>(address);
}

static void protect(bool open) {
  int rights = open ? PROT_READ | PROT_WRITE : PROT_NONE;
  for (auto &[start, range] : driver().ranges) {
    if (!range.reserved)
      mprotect(pointer(start), range.bytes, rights);
    for (auto &[at, mapping] : range.mappings)
      if (mapping.open)
        mprotect(pointer(at), mapping.bytes, rights);
  }
}

static int openCount = 0;
OpenMemory::OpenMemory() {
  if (openCount++ == 0)
    protect(true);
}
OpenMemory::~OpenMemory() {
  if (--openCount == 0)
    protect(false);
}

/// New memory holds anything but zeros.
static void soil(CUdeviceptr address, uint64_t bytes) {
  mprotect(pointer(address), bytes, PROT_READ | PROT_WRITE);
  std::memset(pointer(address), 0xff, bytes);
  mprotect(pointer(address), bytes, PROT_NONE);
}

CUdeviceptr rangeEndOf(CUdeviceptr address) {
  auto &ranges = driver().ranges;
  auto range = ranges.upper_bound(address);
  if (range == ranges.begin())
    return 0;
  --range;
  CUdeviceptr end = range->first + range->second.bytes;
  return address < end ? end : 0;
}

CUdeviceptr endOf(CUdeviceptr address) {
  CUdeviceptr whole = rangeEndOf(address), end = 0;
  if (!whole)
    return 0;
  auto range = std::prev(driver().ranges.upper_bound(address));
  if (!range->second.reserved)
    return whole;
  // Mappings lie side by side.
  for (auto &[at, mapping] : range->second.mappings)
    if (mapping.open && (at <= address || at == end) &&
        at + mapping.bytes > address)
      end = at + mapping.bytes;
  return end;
}

void checkAccess(CUdeviceptr address, uint64_t bytes, const char *what) {
  if (endOf(address) < address + bytes || endOf(address) == 0)
    violation(std::string(what) + ": outside of the GPU's memory");
}

bool isPinned(const void *address, uint64_t bytes) {
  auto at = static_cast<const char *>(address);
  for (auto &[start, length] : driver().pinned)
    if (at >= start && at + bytes <= static_cast<char *>(start) + length)
      return true;
  return false;
}

static bool take(uint64_t bytes) {
  Driver &d = driver();
  if (bytes > d.settings.memory - d.used)
    return false;
  d.used += bytes;
  return true;
}

static CUdeviceptr newRange(uint64_t bytes, bool reserved) {
  void *at = mmap(nullptr, bytes, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    violation("the host has no addresses");
  auto address = reinterpret_cast<CUdeviceptr>(at);
  driver().ranges[address] = {bytes, reserved, {}};
  return address;
}

/// One user of a piece less; the last gives the memory back.
static void drop(uint64_t handle) {
  Driver &d = driver();
  if (--d.handleUsers[handle] > 0)
    return;
  d.used -= d.handles[handle];
  d.handles.erase(handle);
  d.handleUsers.erase(handle);
}

static Range &reservedRange(CUdeviceptr address, uint64_t bytes) {
  for (auto &[start, range] : driver().ranges)
    if (range.reserved && address >= start &&
        address + bytes <= start + range.bytes)
      return range;
  violation("addresses that were not reserved");
}

} // namespace fake

using namespace fake;

FAKE_EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  Call call("cuMemGetInfo", Call::Context);
  *total = driver().settings.memory;
  *free = *total - driver().used;
  return call.code();
}

FAKE_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  Call call("cuMemAlloc", Call::Context);
  if (call.code())
    return call.code();
  if (bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  uint64_t whole = (bytes + 4095) / 4096 * 4096;
  if (!take(whole))
    return CUDA_ERROR_OUT_OF_MEMORY;
  *address = newRange(whole, false);
  soil(*address, whole);
  return 0;
}

FAKE_EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  Call call("cuMemFree", Call::Context);
  drain();
  auto range = driver().ranges.find(address);
  if (range == driver().ranges.end() || range->second.reserved)
    violation("cuMemFree of what was not allocated");
  driver().used -= range->second.bytes;
  munmap(pointer(address), range->second.bytes);
  driver().ranges.erase(range);
  return call.code();
}

FAKE_EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  Call call("cuMemHostAlloc", Call::Context);
  if (call.code())
    return call.code();
  *address = std::malloc(bytes);
  driver().pinned[*address] = bytes;
  return 0;
}

FAKE_EXPORT CUresult cuMemFreeHost(void *address) {
  Call call("cuMemFreeHost", Call::Context);
  drain();
  if (!driver().pinned.erase(address))
    violation("cuMemFreeHost of what was not allocated");
  std::free(address);
  return call.code();
}

FAKE_EXPORT CUresult cuMemAddressReserve(CUdeviceptr *address, size_t bytes,
                                         size_t, CUdeviceptr,
                                         unsigned long long) {
  Call call("cuMemAddressReserve", Call::Context);
  if (bytes == 0 || bytes % kPage)
    violation("cuMemAddressReserve: not a multiple of the granularity");
  if (!call.code())
    *address = newRange(bytes, true);
  return call.code();
}

FAKE_EXPORT CUresult cuMemAddressFree(CUdeviceptr address, size_t bytes) {
  Call call("cuMemAddressFree", Call::Context);
  Range &range = reservedRange(address, bytes);
  if (range.bytes != bytes || !range.mappings.empty())
    violation("cuMemAddressFree of a part, or while memory is mapped");
  munmap(pointer(address), bytes);
  driver().ranges.erase(address);
  return call.code();
}

static void checkProperties(const CUmemAllocationProp *kind) {
  if (kind->type != CU_MEM_ALLOCATION_TYPE_PINNED ||
      kind->location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
      kind->location.id < 7 || kind->requestedHandleTypes)
    violation("memory of an unexpected kind");
}

FAKE_EXPORT CUresult
cuMemGetAllocationGranularity(size_t *bytes, const CUmemAllocationProp *kind,
                              int) {
  Call call("cuMemGetAllocationGranularity", Call::Context);
  checkProperties(kind);
  *bytes = kPage;
  return call.code();
}

FAKE_EXPORT CUresult cuMemCreate(CUmemGenericAllocationHandle *handle,
                                 size_t bytes, const CUmemAllocationProp *kind,
                                 unsigned long long) {
  Call call("cuMemCreate", Call::Context);
  checkProperties(kind);
  if (bytes == 0 || bytes % kPage)
    violation("cuMemCreate: not a multiple of the granularity");
  if (call.code())
    return call.code();
  if (!take(bytes))
    return CUDA_ERROR_OUT_OF_MEMORY;
  *handle = driver().nextHandle++;
  driver().handles[*handle] = bytes;
  driver().handleUsers[*handle] = 1;
  return 0;
}

FAKE_EXPORT CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
  Call call("cuMemRelease", Call::Context);
  if (!driver().handles.count(handle))
    violation("cuMemRelease of an unknown piece");
  drop(handle);
  return call.code();
}

FAKE_EXPORT CUresult cuMemMap(CUdeviceptr address, size_t bytes, size_t offset,
                              CUmemGenericAllocationHandle handle,
                              unsigned long long) {
  Call call("cuMemMap", Call::Context);
  Driver &d = driver();
  Range &range = reservedRange(address, bytes);
  if (!d.handles.count(handle) || offset || d.handles[handle] != bytes ||
      address % kPage % 4096)
    violation("cuMemMap: not a whole piece");
  for (auto &[at, mapping] : range.mappings)
    if (at < address + bytes && address < at + mapping.bytes)
      violation("cuMemMap over a mapping");
  if (call.code())
    return call.code();
  range.mappings[address] = {bytes, false};
  d.mappedHandles[address] = handle;
  ++d.handleUsers[handle];
  soil(address, bytes);
  return 0;
}

FAKE_EXPORT CUresult cuMemUnmap(CUdeviceptr address, size_t bytes) {
  Call call("cuMemUnmap", Call::Context);
  Driver &d = driver();
  if (!d.queue.empty())
    violation("cuMemUnmap while the GPU works");
  Range &range = reservedRange(address, bytes);
  auto mapping = range.mappings.find(address);
  if (mapping == range.mappings.end() || mapping->second.bytes != bytes)
    violation("cuMemUnmap of what is not mapped");
  madvise(pointer(address), bytes, MADV_DONTNEED);
  range.mappings.erase(mapping);
  drop(d.mappedHandles[address]);
  d.mappedHandles.erase(address);
  return call.code();
}

FAKE_EXPORT CUresult cuMemSetAccess(CUdeviceptr address, size_t bytes,
                                    const CUmemAccessDesc *access,
                                    size_t count) {
  Call call("cuMemSetAccess", Call::Context);
  Range &range = reservedRange(address, bytes);
  auto mapping = range.mappings.find(address);
  if (mapping == range.mappings.end() || mapping->second.bytes != bytes ||
      count != 1 || access->flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
    violation("cuMemSetAccess of what is not mapped");
  if (!call.code())
    mapping->second.open = true;
  return call.code();
}
