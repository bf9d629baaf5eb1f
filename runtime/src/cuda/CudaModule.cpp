//===- CudaModule.cpp - an artefact's kernels on a GPU --------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaModule.h"
#include "GpuTarget.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"

#include <cstring>
#include <cstdlib>

namespace braid::rt::cuda {

static std::string targetsOf(const Artifact &artifact) {
  std::string list;
  for (const GpuCode &code : artifact.manifest.gpus)
    list += (list.empty() ? "" : ", ") + code.target +
            (code.cubin ? "" : " as PTX");
  return list.empty() ? "none" : list;
}

/// The command that makes the file again with code for `target`; it keeps what
/// it has.
static std::string recompile(const Artifact &artifact,
                             const std::string &target) {
  const std::string &source = artifact.manifest.weights.sourceDir;
  std::string targets = artifact.manifest.isa;
  for (const GpuCode &code : artifact.manifest.gpus)
    if (code.target != target)
      targets += "," + code.target;
  bool simulated = !artifact.manifest.gpus.empty() &&
                   !artifact.manifest.gpus[0].kernels.empty() &&
                   !artifact.manifest.gpus[0].kernels[0].sim.empty();
  return "braid compile " + (source.empty() ? "CHECKPOINT" : source) +
         " --precision=" + artifact.manifest.precision + " --target=" +
         targets + "," + target + (simulated ? " --with-sim" : "") + " -o " +
         artifact.path;
}

[[noreturn]] static void refuse(const Artifact &artifact, const GpuInfo &gpu) {
  std::string target = targetFor(gpu.major, gpu.minor);
  throw Error(artifact.path + ": has no code for " + gpu.text() +
                  "; it has: " + targetsOf(artifact),
              target.empty() ? "Braid compiles for compute capability 8.0 and "
                               "later, but for no such GPU; run with "
                               "--device=cpu"
                             : recompile(artifact, target));
}

static void checkVersion(const CudaDriver &driver, const GpuCode &code) {
  int needed = cudaVersionFor(code.ptxVersion);
  if (driver.version < needed)
    throw Error("the NVIDIA driver is too old: it is for CUDA " +
                    cudaVersionText(driver.version) + ", code for " +
                    code.target + " (PTX " + code.ptxVersion + ") needs " +
                    cudaVersionText(needed),
                "install a driver for CUDA " + cudaVersionText(needed) +
                    " or later, or run with --device=cpu");
}

/// Of code that fits, that of the latest architecture is the nearest.
static bool isNearer(const GpuCode &code, const GpuCode *other) {
  auto number = [](const GpuCode &of) {
    return std::atoi(of.target.c_str() + std::strlen("sm_"));
  };
  return !other || number(code) > number(*other) ||
         (number(code) == number(*other) && code.exact);
}

ChosenCode chooseCode(const Artifact &artifact, const CudaDriver &driver,
                      const GpuInfo &gpu, bool allowJit) {
  const GpuCode *runs = nullptr, *compiles = nullptr;
  for (const GpuCode &code : artifact.manifest.gpus) {
    Fit fit = fitOf(code, gpu.major, gpu.minor);
    if (fit == Fit::Run && isNearer(code, runs))
      runs = &code;
    if (fit == Fit::Compile && isNearer(code, compiles))
      compiles = &code;
  }
  if (!runs && compiles && !allowJit)
    throw Error(artifact.path + ": has no machine code for " + gpu.text() +
                    ", only PTX for " + compiles->target,
                "--allow-jit lets the driver compile it at every start; with "
                "ptxas at hand this does it once: " +
                    recompile(artifact, targetFor(gpu.major, gpu.minor)));
  if (!runs && !compiles)
    refuse(artifact, gpu);
  ChosenCode chosen{runs ? runs : compiles, !runs};
  checkVersion(driver, *chosen.code);
  return chosen;
}

CudaModule::CudaModule(const Artifact &artifact, const CudaDriver &driver,
                       const GpuInfo &gpu, ChosenCode chosen)
    : driver(driver) {
  std::string section =
      readSection(artifact, BRAID_SECTION_GPU_PREFIX + chosen.code->target +
                                (chosen.jit ? ".ptx" : ".cubin"));
  if (chosen.jit)
    load(artifact, chosen, "", section);
  else // The file has been read again.
    requireKernels(*chosen.code, section.size(), artifact.path);
  for (const GpuKernel &kernel : chosen.code->kernels) {
    // A copy, for an image has to be aligned.
    if (!chosen.jit)
      load(artifact, chosen, " of kernel " + kernel.name,
           section.substr(kernel.cubinOffset, kernel.cubinBytes));
    functions.push_back(prepare(kernel, modules.back().get(), gpu));
  }
}

/// PTX is text, which ends with a zero that the section does not have.
void CudaModule::load(const Artifact &artifact, ChosenCode chosen,
                      const std::string &whose, const std::string &image) {
  CUmodule module = nullptr;
  char log[2048] = {};
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log) - 1)};
  CUresult result = driver.cuModuleLoadDataEx(&module, image.c_str(), 2,
                                              options, values);
  if (!result) {
    modules.emplace_back(module, Unload{driver});
    return;
  }
  const std::string &ptxas = chosen.code->ptxas;
  std::string text = log;
  text = text.substr(0, text.find('\n'));
  throw Error(artifact.path + ": the driver (CUDA " +
                  cudaVersionText(driver.version) +
                  ") does not load its code" + whose + " for " +
                  chosen.code->target + ": " + driver.textOf(result) +
                  (text.empty() ? "" : ": " + text),
              chosen.jit ? std::string("install a newer driver, or compile "
                                       "with ptxas at hand")
                         : "the code was assembled by ptxas" +
                               (ptxas.empty() ? ptxas : " " + ptxas) +
                               ", perhaps newer than the driver: install a "
                               "newer driver, or compile again with an older "
                               "ptxas");
}

/// Asking for an attribute also makes the driver load the kernel, which it
/// otherwise does at the first launch; that may stand in a capture.
CUfunction CudaModule::prepare(const GpuKernel &kernel, CUmodule module,
                               const GpuInfo &gpu) const {
  constexpr uint64_t kWithoutAsking = 48 << 10;
  std::string what = "kernel " + kernel.name;
  CUfunction function = nullptr;
  driver.check(
      driver.cuModuleGetFunction(&function, module, kernel.name.c_str()), what);
  int threads = 0;
  driver.check(driver.cuFuncGetAttribute(
                   &threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function),
               what);
  if (threads < kernel.threads)
    throw Error(what + " needs " + std::to_string(kernel.threads) +
                " threads a block; " + gpu.text() + " runs at most " +
                std::to_string(threads) + " of it");
  if (kernel.sharedBytes > uint64_t(gpu.sharedBytes))
    throw Error(what + " needs " + std::to_string(kernel.sharedBytes) +
                " bytes of shared memory; " + gpu.text() + " has " +
                std::to_string(gpu.sharedBytes));
  if (kernel.sharedBytes > kWithoutAsking)
    driver.check(driver.cuFuncSetAttribute(
                     function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                     int(kernel.sharedBytes)),
                 what);
  return function;
}

} // namespace braid::rt::cuda
