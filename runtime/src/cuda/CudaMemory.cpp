//===- CudaMemory.cpp - memory of a GPU -----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaMemory.h"

#include <algorithm>
#include <vector>

namespace braid::rt::cuda {
namespace {

class WholeMemory : public DeviceMemory {
public:
  WholeMemory(CudaGpu &gpu, uint64_t bytes, const std::string &what)
      : gpu(gpu) {
    CudaGpu::Turn turn(gpu);
    const CudaDriver &driver = gpu.driver();
    uint64_t some = std::max<uint64_t>(bytes, 1); // Nothing cannot be had.
    CUdeviceptr at = 0;
    gpu.checkMemory(driver.cuMemAlloc(&at, some), some, what);
    CUresult zeroed = driver.cuMemsetD8Async(at, 0, some, gpu.stream());
    if (zeroed)
      driver.cuMemFree(at);
    driver.check(zeroed, what);
    address = reinterpret_cast<std::byte *>(at);
    length = bytes;
  }
  ~WholeMemory() override {
    CudaGpu::Turn turn(gpu, std::nothrow);
    gpu.driver().cuMemFree(addressOf(address));
  }

private:
  CudaGpu &gpu;
};

class ReservedMemory : public DeviceMemory {
public:
  ReservedMemory(CudaGpu &gpu, uint64_t bytes, const std::string &what);
  ~ReservedMemory() override;
  void back(uint64_t offset, uint64_t bytes) override;

private:
  struct Piece {
    CUdeviceptr at;
    uint64_t bytes;
  };
  void map(const Piece &piece);
  CUresult giveAccess(const Piece &piece);

  CudaGpu &gpu;
  std::string what;
  CUmemAllocationProp kind{};
  uint64_t page = 0;
  std::vector<bool> backed; ///< Page by page.
  std::vector<Piece> pieces;
};

ReservedMemory::ReservedMemory(CudaGpu &gpu, uint64_t bytes,
                               const std::string &what)
    : gpu(gpu), what(what) {
  CudaGpu::Turn turn(gpu);
  kind.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  kind.location = {CU_MEM_LOCATION_TYPE_DEVICE, gpu.info().device};
  size_t granularity = 0;
  const CudaDriver &driver = gpu.driver();
  driver.check(driver.cuMemGetAllocationGranularity(
                   &granularity, &kind, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
               what);
  page = granularity;
  backed.resize((std::max<uint64_t>(bytes, 1) + page - 1) / page);
  CUdeviceptr at = 0;
  driver.check(driver.cuMemAddressReserve(&at, backed.size() * page, 0, 0, 0),
               what + ": reserving " + std::to_string(backed.size() * page) +
                   " bytes of addresses");
  address = reinterpret_cast<std::byte *>(at);
  length = bytes;
}

ReservedMemory::~ReservedMemory() {
  CudaGpu::Turn turn(gpu, std::nothrow);
  const CudaDriver &driver = gpu.driver();
  driver.cuStreamSynchronize(gpu.stream());
  for (const Piece &piece : pieces)
    driver.cuMemUnmap(piece.at, piece.bytes);
  driver.cuMemAddressFree(addressOf(address), backed.size() * page);
}

/// One piece for each run of pages that have no memory yet.
void ReservedMemory::back(uint64_t offset, uint64_t bytes) {
  if (bytes == 0)
    return;
  CudaGpu::Turn turn(gpu);
  size_t end = (offset + bytes - 1) / page + 1;
  for (size_t first = offset / page; first < end;) {
    size_t last = first;
    while (last < end && !backed[last])
      ++last;
    if (last > first)
      map({addressOf(address) + first * page, (last - first) * page});
    std::fill(backed.begin() + first, backed.begin() + last, true);
    first = last + (last == first);
  }
}

void ReservedMemory::map(const Piece &piece) {
  const CudaDriver &driver = gpu.driver();
  pieces.reserve(pieces.size() + 1);
  CUmemGenericAllocationHandle handle = 0;
  gpu.checkMemory(driver.cuMemCreate(&handle, piece.bytes, &kind, 0),
                  piece.bytes, what);
  CUresult mapped = driver.cuMemMap(piece.at, piece.bytes, 0, handle, 0);
  driver.cuMemRelease(handle); // The mapping keeps it.
  driver.check(mapped, what);
  if (CUresult code = giveAccess(piece)) {
    driver.cuStreamSynchronize(gpu.stream());
    driver.cuMemUnmap(piece.at, piece.bytes);
    driver.check(code, what);
  }
  pieces.push_back(piece);
}

/// Lets kernels at a new piece, which holds zeros from then on.
CUresult ReservedMemory::giveAccess(const Piece &piece) {
  const CudaDriver &driver = gpu.driver();
  CUmemAccessDesc access{kind.location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
  CUresult code = driver.cuMemSetAccess(piece.at, piece.bytes, &access, 1);
  return code ? code
              : driver.cuMemsetD8Async(piece.at, 0, piece.bytes, gpu.stream());
}

} // namespace

std::unique_ptr<DeviceMemory> allocateWhole(CudaGpu &gpu, uint64_t bytes,
                                            const std::string &what) {
  return std::make_unique<WholeMemory>(gpu, bytes, what);
}

std::unique_ptr<DeviceMemory> reserveAddresses(CudaGpu &gpu, uint64_t bytes,
                                               const std::string &what) {
  return std::make_unique<ReservedMemory>(gpu, bytes, what);
}

} // namespace braid::rt::cuda
