//===- Device.cpp - chooses where the compiled step runs ------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Device.h"
#include "Region.h"
#include "SizeText.h"
#include "braid-rt/error.h"
#include "cpu/CpuDevice.h"
#include "cuda/CudaDevice.h"
#include "sim/SimDevice.h"

#include <charconv>
#include <cstring>

namespace braid::rt {

namespace {
/// The system backs it page by page: `back` has nothing to do.
class HostMemory : public DeviceMemory {
public:
  HostMemory(uint64_t bytes, const std::string &what) : region(bytes, what) {
    address = region.data();
    length = bytes;
  }

private:
  Region region;
};
} // namespace

std::string MemoryPlan::text() const {
  return "planned are weights " + sizeText(weights) + ", activations " +
         sizeText(activations) + ", state up to " + sizeText(state) + " (" +
         std::to_string(sequences) + " x " + std::to_string(context) +
         " tokens), logits up to " + sizeText(logits) + ": together " +
         sizeText(weights + activations + state + logits);
}

std::unique_ptr<DeviceMemory> Device::allocate(uint64_t bytes,
                                               const std::string &what,
                                               Backing) {
  return std::make_unique<HostMemory>(bytes, what);
}
void Device::copyIn(std::byte *to, const void *from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
}
void Device::copyOut(void *to, const std::byte *from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
}
void Device::copy(std::byte *to, const std::byte *from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
}

/// The artefact's code for a target; for the first, if none is named.
static const GpuCode &gpuCode(const Artifact &artifact,
                              const std::string &target) {
  std::string list;
  for (const GpuCode &gpu : artifact.manifest.gpus) {
    if (target.empty() || target == gpu.target)
      return gpu;
    list += (list.empty() ? "" : ", ") + gpu.target;
  }
  if (list.empty())
    throw Error(artifact.path + ": has no code for a GPU",
                "compile the model with --target=sm_90a --with-sim (or "
                "another GPU)");
  throw Error(artifact.path + ": has no code for '" + target + "', only for " +
                  list,
              target.starts_with("sm_")
                  ? "--device=sim:TARGET names one of them; compile the model "
                    "with --target=" + target + " --with-sim to have this one"
                  : "--device=sim:" + artifact.manifest.gpus[0].target +
                        " names one of them: targets, not cards");
}

/// The number behind "cuda:"; 0 if there is none.
static int gpuNumber(const std::string &name) {
  int number = 0;
  const char *begin = name.data() + std::strlen("cuda:");
  const char *end = name.data() + name.size();
  if (name == "cuda")
    return 0;
  auto [last, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || last != end || number < 0)
    throw Error("--device: expected cuda or cuda:NUMBER, found '" + name + "'");
  return number;
}

/// A GPU if there is one that the artefact has code for, else the CPU. Says why
/// not the GPU where a person may have expected it.
static std::unique_ptr<Device> chooseDevice(const Artifact &artifact,
                                            const Code &code, ThreadPool &pool,
                                            const EngineOptions &options) {
  std::string reason;
  if (!artifact.manifest.gpus.empty()) {
    std::optional<CudaChoice> choice;
    try {
      choice.emplace(artifact, 0, options.allowJit);
    } catch (const Error &error) {
      reason = std::string("device: the CPU, since ") + error.what();
    }
    if (choice) // What fails from here on is no reason to be slow.
      return std::make_unique<CudaDevice>(artifact, code, options,
                                          std::move(*choice));
  }
  return std::make_unique<CpuDevice>(artifact.manifest, code, pool,
                                     options.profile, reason);
}

std::string wrongDevice(const std::string &name) {
  std::string kind = name.substr(0, name.find(':'));
  if (kind == "cuda" || kind == "sim" || name == "auto" || name == "cpu")
    return "";
  return "--device: expected auto, cpu, cuda, cuda:NUMBER, sim or sim:TARGET, "
         "found '" + name + "'";
}

std::unique_ptr<Device> openDevice(const Artifact &artifact, const Code &code,
                                   ThreadPool &pool,
                                   const EngineOptions &options) {
  const std::string &name = options.device;
  if (name.empty() || name == "auto")
    return chooseDevice(artifact, code, pool, options);
  if (std::string wrong = wrongDevice(name); !wrong.empty())
    throw Error(wrong);
  if (name == "cpu")
    return std::make_unique<CpuDevice>(artifact.manifest, code, pool,
                                       options.profile, "");
  if (name == "sim" || name.starts_with("sim:"))
    return std::make_unique<SimDevice>(
        artifact, gpuCode(artifact, name.size() > 4 ? name.substr(4) : ""),
        code);
  return std::make_unique<CudaDevice>(
      artifact, code, options,
      CudaChoice(artifact, gpuNumber(name), options.allowJit));
}

} // namespace braid::rt
