//===- InspectGPU.cpp - an artefact's GPU code, described
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "InspectGPU.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"
#include "braid/Analysis/GPULimits.h"

#include <algorithm>

namespace braid {

using rt::Json;

static uint64_t sectionBytes(const rt::Artifact &artifact,
                             const rt::GpuCode &gpu, const char *kind) {
  std::string name = BRAID_SECTION_GPU_PREFIX + gpu.target + "." + kind;
  for (const auto &section : artifact.sections)
    if (section.name == name)
      return section.bytes;
  return 0;
}

/// None where the assembler has not said how many registers there are.
static std::optional<double> occupancyOf(const rt::GpuCode &gpu,
                                         const rt::GpuKernel &kernel) {
  auto limits = limitsOf(gpu.target);
  if (!limits || kernel.registers == 0)
    return std::nullopt;
  return occupancy(*limits, {kernel.threads, kernel.registers,
                             int64_t(kernel.sharedBytes)});
}

static Json kernelJson(const rt::GpuCode &gpu, const rt::GpuKernel &kernel) {
  Json json = {{"name", kernel.name},
               {"kernel", kernel.kernel},
               {"op", kernel.op},
               {"strategy", kernel.strategy},
               {"threads", kernel.threads},
               {"shared_bytes", kernel.sharedBytes},
               {"simulated", !kernel.sim.empty()}};
  if (kernel.registers > 0) {
    json["registers"] = kernel.registers;
    json["stack_bytes"] = kernel.stackBytes;
    json["spill_bytes"] = kernel.spillBytes;
  }
  if (auto part = occupancyOf(gpu, kernel))
    json["occupancy"] = *part;
  return json;
}

Json gpusJson(const rt::Artifact &artifact) {
  Json list = Json::array();
  for (const rt::GpuCode &gpu : artifact.manifest.gpus) {
    Json kernels = Json::array();
    for (const rt::GpuKernel &kernel : gpu.kernels)
      kernels.push_back(kernelJson(gpu, kernel));
    list.push_back({{"target", gpu.target},
                    {"exact", gpu.exact},
                    {"ptx_version", gpu.ptxVersion},
                    {"ptxas", gpu.ptxas},
                    {"oldest_driver", oldestDriver(gpu.ptxVersion)},
                    {"ptx_bytes", sectionBytes(artifact, gpu, "ptx")},
                    {"cubin_bytes", sectionBytes(artifact, gpu, "cubin")},
                    {"kernels", kernels}});
  }
  return list;
}

template <typename... Values>
static std::string format(const char *pattern, Values... values) {
  char line[256];
  snprintf(line, sizeof(line), pattern, values...);
  return line;
}

static constexpr int kLongestName = 60;

/// Wide enough for the names of all kernels, up to kLongestName.
static int nameColumn(const rt::GpuCode &gpu) {
  size_t widest = 26;
  for (const rt::GpuKernel &kernel : gpu.kernels)
    widest = std::max(widest, kernel.name.size());
  return std::min(int(widest), kLongestName);
}

static std::string kernelLine(const rt::GpuCode &gpu, int column,
                              const rt::GpuKernel &kernel) {
  std::string text =
      format("           %-*.*s %-10.20s %7lld %8llu", column, kLongestName,
             kernel.name.c_str(), kernel.strategy.c_str(),
             (long long)kernel.threads, (unsigned long long)kernel.sharedBytes);
  if (kernel.registers > 0)
    text += format(" %9lld %6lld", (long long)kernel.registers,
                   (long long)(kernel.spillBytes + kernel.stackBytes));
  if (auto part = occupancyOf(gpu, kernel))
    text += format(" %8.0f %%", 100 * *part);
  return text + "\n";
}

/// Drivers take what an assembler of their CUDA's major version has made.
static std::string assemblerText(const std::string &ptxas) {
  return ptxas.empty() ? ""
                       : " by ptxas " + ptxas + " (drivers before CUDA " +
                             ptxas.substr(0, ptxas.find('.')) +
                             " may refuse it)";
}

std::string gpusText(const rt::Artifact &artifact) {
  std::string text;
  for (const rt::GpuCode &gpu : artifact.manifest.gpus) {
    std::string driver = oldestDriver(gpu.ptxVersion);
    uint64_t cubin = sectionBytes(artifact, gpu, "cubin");
    bool simulated = std::all_of(
        gpu.kernels.begin(), gpu.kernels.end(),
        [](const rt::GpuKernel &kernel) { return !kernel.sim.empty(); });
    text += "GPU        " + gpu.target +
            (gpu.exact ? ", this architecture alone" : ", and later ones (PTX)") +
            "; PTX " + gpu.ptxVersion +
            (driver.empty() ? "" : ", driver " + driver + " or later") + "\n";
    text += "           " +
            (cubin ? "assembled" + assemblerText(gpu.ptxas) + ", " +
                         std::to_string(cubin) + " bytes"
                   : std::string("not assembled: braid run --allow-jit has the driver do that")) +
            (simulated ? "; can be simulated" : "; without code for the simulator") + "\n";
    int column = nameColumn(gpu);
    text += format("           %-*s %-10s %7s %8s", column, "kernel",
                   "strategy", "threads", "shared");
    text += cubin ? format(" %9s %6s %10s\n", "registers", "local", "occupancy") : "\n";
    for (const rt::GpuKernel &kernel : gpu.kernels)
      text += kernelLine(gpu, column, kernel);
  }
  return text;
}

std::string_view entryOf(std::string_view ptx, const std::string &kernel) {
  static constexpr std::string_view kEnd = "\n}\n";
  size_t begin = ptx.find(".entry " + kernel + "(");
  size_t end = begin == ptx.npos ? begin : ptx.find(kEnd, begin);
  return end == ptx.npos ? "" : ptx.substr(begin, end + kEnd.size() - begin);
}

/// What stands before the first kernel, and the kernel: ptxas takes that too.
static std::string partOf(const std::string &ptx, const std::string &kernel) {
  std::string part(entryOf(ptx, kernel));
  if (part.empty())
    return part;
  return ptx.substr(0, ptx.find(".visible .entry")) + ".visible " + part;
}

std::string ptxText(const rt::Artifact &artifact, const std::string &target,
                    const std::string &kernel) {
  std::string targets;
  for (const rt::GpuCode &gpu : artifact.manifest.gpus) {
    targets += (targets.empty() ? "" : ", ") + gpu.target;
    if (gpu.target != target)
      continue;
    std::string ptx = rt::readSection(
        artifact, BRAID_SECTION_GPU_PREFIX + target + ".ptx");
    if (kernel.empty())
      return ptx;
    std::string part = partOf(ptx, kernel);
    if (part.empty())
      throw rt::Error(artifact.path + ": " + target + " has no kernel '" +
                          kernel + "'",
                      "braid inspect lists them");
    return part;
  }
  throw rt::Error(artifact.path + ": has no code for '" + target + "'" +
                  (targets.empty() ? "" : ", only for " + targets));
}

} // namespace braid
