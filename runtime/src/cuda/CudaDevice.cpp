//===- CudaDevice.cpp - the step on an NVIDIA GPU -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaDevice.h"
#include "CudaMemory.h"
#include "braid-rt/error.h"
#include "core/Bytes.h"
#include "core/SizeText.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace braid::rt {

using namespace cuda;

/// Parameters of a kernel; PTX allows 4352 bytes of them, most have 8.
static constexpr size_t kMostParameters = 544;

CudaChoice::CudaChoice(const Artifact &artifact, int number, bool allowJit)
    : driver(std::make_unique<CudaDriver>()),
      gpu(describeGpu(*driver, number)),
      code(chooseCode(artifact, *driver, gpu, allowJit)) {}

//===----------------------------------------------------------------------===//
// Making
//===----------------------------------------------------------------------===//

static uint64_t aligned(uint64_t bytes) {
  return (bytes + BRAID_ALIGNMENT - 1) / BRAID_ALIGNMENT * BRAID_ALIGNMENT;
}

CudaDevice::Places::Places(int64_t maxRows, int64_t maxSequences) {
  auto numbers = [](int64_t count) { return aligned(4 * uint64_t(count)); };
  rowBegin = aligned(sizeof(braid_step));
  position = rowBegin + numbers(maxSequences + 1);
  slot = position + numbers(maxSequences);
  ids = slot + numbers(maxSequences);
  outputRows = ids + numbers(maxRows);
  temperatures = outputRows + numbers(maxRows);
  keys = temperatures + numbers(maxRows);
  end = keys + numbers(maxRows);
  chosen = end;
  all = chosen + numbers(maxRows);
}

/// As the driver understands the variable.
static bool launchesBlock() {
  const char *value = std::getenv("CUDA_LAUNCH_BLOCKING");
  return value && std::strcmp(value, "0") != 0;
}

/// The logits of a decode step of all sequences, if that is not very much.
static int64_t rowsToPin(const Manifest &manifest, int64_t maxSequences) {
  constexpr int64_t kMost = int64_t(16) << 20;
  return std::min(maxSequences, kMost / (4 * manifest.vocabulary));
}

CudaDevice::CudaDevice(const Artifact &artifact, const Code &code,
                       const EngineOptions &options, CudaChoice choice)
    : manifest(artifact.manifest), gpuCode(*choice.code.code),
      jit(choice.code.jit), blocking(launchesBlock()),
      stepFunction(code.step(gpuCode.entry)),
      gpu(std::move(choice.driver), choice.gpu),
      module(artifact, gpu.driver(), gpu.info(), choice.code),
      graphs(gpu, manifest.pools.size()),
      places(options.maxRows, options.maxSequences),
      pinnedRows(rowsToPin(manifest, options.maxSequences)),
      pinned(gpu.driver(), places.all + logitBytes(manifest, pinnedRows)),
      block(allocateWhole(gpu, places.all, "the step's arguments")),
      logits(allocate(logitBytes(manifest, options.maxRows), "logits",
                      Backing::AsNeeded)) {
  services.base.launch = [](const braid_services *self,
                            const braid_launch *launch) {
    reinterpret_cast<const Services *>(self)->device->launch(*launch);
  };
  services.base.layer = [](const braid_services *self, int64_t layer) {
    reinterpret_cast<const Services *>(self)->device->layer = layer;
  };
  services.device = this;
  parameters.reserve(kMostParameters);
}

/// Members go with the context current.
CudaDevice::~CudaDevice() { CudaGpu::Turn turn(gpu, std::nothrow); }

std::string CudaDevice::name() const {
  return gpu.info().text() + ", code for " + gpuCode.target;
}

std::vector<std::string> CudaDevice::notes() const {
  std::vector<std::string> notes;
  if (jit)
    notes.push_back("device: the driver has compiled PTX for " +
                    gpuCode.target);
  if (!gpu.info().reservesAddresses)
    notes.push_back("device: this driver reserves no addresses: state and "
                    "logits take their memory at once, for the whole "
                    "--context of all --max-sequences");
  if (blocking)
    notes.push_back("device: CUDA_LAUNCH_BLOCKING: each kernel is waited for, "
                    "and no step is recorded");
  return notes;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

std::unique_ptr<DeviceMemory> CudaDevice::allocate(uint64_t bytes,
                                                   const std::string &what,
                                                   Backing backing) {
  return backing == Backing::AsNeeded && gpu.info().reservesAddresses
             ? reserveAddresses(gpu, bytes, what)
             : allocateWhole(gpu, bytes, what);
}

void CudaDevice::copyIn(std::byte *to, const void *from, uint64_t bytes) {
  CudaGpu::Turn turn(gpu);
  gpu.driver().check(gpu.driver().cuMemcpyHtoDAsync(addressOf(to), from, bytes,
                                                    gpu.stream()),
                     "copying to the GPU");
  gpu.wait("copying to the GPU");
}

void CudaDevice::copyOut(void *to, const std::byte *from, uint64_t bytes) {
  CudaGpu::Turn turn(gpu);
  gpu.driver().check(gpu.driver().cuMemcpyDtoHAsync(to, addressOf(from), bytes,
                                                    gpu.stream()),
                     "copying from the GPU");
  gpu.wait("copying from the GPU");
}

void CudaDevice::copy(std::byte *to, const std::byte *from, uint64_t bytes) {
  CudaGpu::Turn turn(gpu);
  gpu.driver().check(gpu.driver().cuMemcpyDtoDAsync(addressOf(to),
                                                    addressOf(from), bytes,
                                                    gpu.stream()),
                     "copying on the GPU");
  gpu.wait("copying on the GPU");
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// Puts the step as the GPU sees it into pinned memory. Host code reads it there
/// too: what differs between the two are tables that only the host follows.
braid_step &CudaDevice::stage(const braid_step &step) {
  std::byte *to = pinned.data();
  auto put = [&]<typename T>(uint64_t place, const T *from, int64_t count) {
    std::memcpy(to + place, from, sizeof(T) * size_t(count));
    return reinterpret_cast<const T *>(block->data() + place);
  };
  braid_step own = step;
  own.services = &services.base;
  own.row_begin = put(places.rowBegin, step.row_begin, step.sequences + 1);
  own.position = put(places.position, step.position, step.sequences);
  own.slot = put(places.slot, step.slot, step.sequences);
  own.ids = put(places.ids, step.ids, step.rows);
  own.output_rows = put(places.outputRows, step.output_rows, step.outputs);
  own.temperatures = put(places.temperatures, step.temperatures, step.outputs);
  own.keys = put(places.keys, step.keys, step.outputs);
  own.logits = reinterpret_cast<float *>(logits->data());
  own.chosen = reinterpret_cast<int32_t *>(block->data() + places.chosen);
  own.hidden = hidden ? reinterpret_cast<float *>(hidden->data()) : nullptr;
  own.device = reinterpret_cast<const braid_step *>(block->data());
  std::memcpy(to, &own, sizeof(own));
  return *reinterpret_cast<braid_step *>(to);
}

uint64_t CudaDevice::hiddenBytes(const braid_step &step) const {
  return 4 * uint64_t(step.taps * step.rows * manifest.hidden);
}

/// Hidden states are wanted once in a lifetime, if at all.
void CudaDevice::backResults(const braid_step &step) {
  logits->back(0, logitBytes(manifest, step.outputs));
  uint64_t bytes = hiddenBytes(step);
  if (bytes > (hidden ? hidden->bytes() : 0)) {
    hidden.reset();
    hidden = allocateWhole(gpu, bytes, "hidden states");
  }
}

/// Names the launch that was refused.
static std::string describe(const GpuKernel &kernel, const braid_launch &launch,
                            int64_t layer) {
  std::string text = "kernel " + kernel.name;
  if (layer >= 0)
    text += " (layer " + std::to_string(layer) + ")";
  text += ", grid";
  for (int64_t blocks : launch.grid)
    text += " " + std::to_string(blocks);
  return text;
}

static CUresult encode(const CudaDriver &driver, const braid_tensor_map &map,
                       CUtensorMap &encoded) {
  const uint64_t sizes[] = {uint64_t(map.columns), uint64_t(map.rows)};
  const uint64_t strides[] = {uint64_t(map.row_bytes)};
  const uint32_t tile[] = {BRAID_TILE_COLUMNS, uint32_t(map.tile_rows)};
  const uint32_t steps[] = {1, 1};
  return driver.cuTensorMapEncodeTiled(
      &encoded, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2,
      const_cast<void *>(map.data), sizes, strides, tile, steps,
      CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
      CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

/// Puts addresses of the launch's parameters into `parameters`.
CUresult CudaDevice::gather(const braid_launch &launch) {
  parameters.clear();
  maps.clear();
  CUresult code = CUDA_SUCCESS;
  for (int64_t i = 0; i < launch.count && !code; ++i) {
    const uint64_t *value = launch.values + i;
    if (launch.extents[i] != BRAID_TENSOR_MAP) {
      parameters.push_back(const_cast<uint64_t *>(value));
      continue;
    }
    const auto *map = reinterpret_cast<const braid_tensor_map *>(*value);
    code = encode(gpu.driver(), *map, maps.emplace_back());
    parameters.push_back(&maps.back());
  }
  return code;
}

/// What a kernel does wrong may show at a later one, or at the end of the step.
static constexpr const char *kBlockingHint =
    "with CUDA_LAUNCH_BLOCKING=1 in the environment each kernel is waited for, "
    "and the error names the one that failed and its layer";

/// Called by compiled code, which no exception may cross.
void CudaDevice::launch(const braid_launch &launch) {
  const int64_t *grid = launch.grid;
  if (!fault.empty() || grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
    return;
  if (uint64_t(launch.kernel) >= gpuCode.kernels.size()) {
    fault = "there is no kernel " + std::to_string(launch.kernel);
    return;
  }
  const GpuKernel &kernel = gpuCode.kernels[size_t(launch.kernel)];
  const CudaDriver &driver = gpu.driver();
  CUresult code = gather(launch);
  if (!code)
    code = driver.cuLaunchKernel(
        module.function(launch.kernel), unsigned(grid[0]), unsigned(grid[1]),
        unsigned(grid[2]), unsigned(kernel.threads), 1, 1,
        unsigned(kernel.sharedBytes), gpu.stream(), parameters.data(), nullptr);
  if (!code && blocking)
    code = driver.cuStreamSynchronize(gpu.stream());
  if (code)
    fault = describe(kernel, launch, layer) + ": " + driver.textOf(code);
}

/// One row of each sequence, and nothing but logits to come back.
static bool isDecode(const braid_step &step) {
  return step.rows == step.sequences && step.taps == 0;
}

void CudaDevice::launchAll(const braid_step &own) {
  layer = -1;
  if (blocking || !isDecode(own)) {
    stepFunction(&own);
    return;
  }
  CUgraphExec graph = graphs.find(own);
  if (!graph)
    graph = graphs.record(own, [&] {
      stepFunction(&own);
      return fault.empty();
    });
  if (graph)
    requireStep(own, gpu.driver().cuGraphLaunch(graph, gpu.stream()));
}

/// Copies results to where the caller wants them, or to pinned memory if they
/// fit there: fast, and the host then copies them once more.
void CudaDevice::fetch(const braid_step &step, bool wantsLogits) {
  const CudaDriver &driver = gpu.driver();
  auto copyOut = [&](void *to, const std::byte *from, uint64_t bytes) {
    if (bytes)
      driver.check(driver.cuMemcpyDtoHAsync(to, addressOf(from), bytes,
                                            gpu.stream()),
                   "copying results from the GPU");
  };
  uint64_t bytes = wantsLogits ? logitBytes(manifest, step.outputs) : 0;
  bool small = step.outputs <= pinnedRows;
  std::byte *ids = pinned.data() + places.chosen;
  std::byte *staged = pinned.data() + places.all;
  copyOut(ids, block->data() + places.chosen, 4 * uint64_t(step.outputs));
  copyOut(small ? static_cast<void *>(staged) : step.logits, logits->data(),
          bytes);
  copyOut(step.hidden, hidden ? hidden->data() : nullptr, hiddenBytes(step));
  requireStep(step, driver.cuStreamSynchronize(gpu.stream()));
  std::memcpy(step.chosen, ids, 4 * size_t(step.outputs));
  if (small)
    std::memcpy(step.logits, staged, bytes);
}

void CudaDevice::requireStep(const braid_step &step, CUresult code) const {
  if (!code)
    return;
  throw Error(gpu.info().text() + ": a step of " + counted(step.rows, "row") +
                  " of " + counted(step.sequences, "sequence") +
                  " has failed: " + gpu.driver().textOf(code),
              blocking ? "" : kBlockingHint);
}

void CudaDevice::run(braid_step &step, bool wantsLogits) {
  CudaGpu::Turn turn(gpu);
  const CudaDriver &driver = gpu.driver();
  fault.clear();
  backResults(step);
  braid_step &own = stage(step);
  driver.check(driver.cuMemcpyHtoDAsync(addressOf(block->data()), pinned.data(),
                                        places.end, gpu.stream()),
               "copying the step to the GPU");
  try {
    launchAll(own);
    if (!fault.empty())
      throw Error(gpu.info().text() + ": " + fault,
                  blocking ? "" : kBlockingHint);
    fetch(step, wantsLogits);
  } catch (...) { // The next step must not write what is still being copied.
    driver.cuStreamSynchronize(gpu.stream());
    throw;
  }
}

} // namespace braid::rt
