//===- StepKernels.cpp - what GPU kernels a step runs ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "StepKernels.h"
#include "Bench.h"
#include "Compiler.h"
#include "InspectGPU.h"
#include "braid-rt/abi.h"
#include "braid-rt/artifact.h"
#include "braid-rt/error.h"
#include "braid-rt/machine.h"
#include "mlir/Pass/PassManager.h"

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>

namespace fs = std::filesystem;

namespace braid {

namespace {

/// A folder that goes with this object.
struct ScratchFolder {
  ScratchFolder() {
    std::string model = (fs::temp_directory_path() / "braid-plan-XXXXXX");
    if (!mkdtemp(model.data()))
      throw rt::Error(model + ": cannot be made: " + strerror(errno));
    path = model;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

/// Services that note launches and do nothing.
struct Recorder {
  braid_services services{};
  std::vector<std::pair<int64_t, int64_t>> launches; ///< Kernel, blocks.

  Recorder() {
    services.launch = [](const braid_services *self, const braid_launch *launch) {
      auto *recorder = reinterpret_cast<Recorder *>(
          const_cast<braid_services *>(self)); // Its first member.
      int64_t blocks = launch->grid[0] * launch->grid[1] * launch->grid[2];
      if (blocks > 0)
        recorder->launches.push_back({launch->kernel, blocks});
    };
    services.layer = [](const braid_services *, int64_t) {};
  }
};

class CompiledCode : public GPUCode {
public:
  CompiledCode(const std::string &model, const std::string &target, bool f32) {
    CompileOptions options;
    options.input = model;
    options.output = folder.path / "model.braid";
    options.precision = f32 ? Precision::F32 : Precision::BF16;
    options.target = "cpu," + target;
    options.weights = "none";
    options.assemble = false;
    options.golden = false;
    options.quiet = true;
    options.jobs = int(rt::defaultThreads());
    compile(options);
    artifact = rt::Artifact::open(options.output);
    code = &artifact.manifest.gpus.front();
    library = dlopen(options.output.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      throw rt::Error(options.output + ": cannot be loaded: " + dlerror());
    findUnits();
  }
  ~CompiledCode() override {
    if (library)
      dlclose(library);
  }
  std::vector<KernelWork> kernelsOf(const StepShape &shape) override;

private:
  void findUnits();
  std::vector<std::pair<int64_t, int64_t>> launchesOf(const StepShape &shape);
  KernelWork workOf(const rt::Kernel &kernel, const StepShape &shape) const;

  ScratchFolder folder;
  rt::Artifact artifact;
  const rt::GpuCode *code = nullptr;
  void *library = nullptr;
  std::vector<std::string> units; ///< Of each GPU kernel.
};

} // namespace

/// Which unit a kernel's products are for stands in its PTX.
void CompiledCode::findUnits() {
  std::string ptx = rt::readSection(artifact, BRAID_SECTION_GPU_PREFIX +
                                                  code->target + ".ptx");
  for (const rt::GpuKernel &kernel : code->kernels) {
    std::string_view body = entryOf(ptx, kernel.name);
    bool wgmma = body.find("wgmma.mma_async") != body.npos;
    bool mma = body.find("mma.sync") != body.npos;
    units.push_back(wgmma ? "wgmma" : mma ? "mma" : "");
  }
}

/// The host code computes addresses and sizes; it reads none of the device's
/// memory, so that any address will do.
std::vector<std::pair<int64_t, int64_t>>
CompiledCode::launchesOf(const StepShape &shape) {
  static char memory[64];
  auto entry =
      reinterpret_cast<braid_step_fn>(dlsym(library, code->entry.c_str()));
  if (!entry)
    throw rt::Error(artifact.path + ": has no function " + code->entry);
  std::vector<const void *> weights(size_t(artifact.manifest.weights.count),
                                    memory);
  std::vector<void *> pools(artifact.manifest.pools.size(), memory);
  Recorder recorder;
  braid_step step{};
  step.services = &recorder.services;
  step.weights = weights.data();
  step.pools = pools.data();
  step.arena = memory;
  step.rows = shape.rows;
  step.sequences = step.slots = step.outputs = shape.sequences;
  step.context = artifact.manifest.context;
  step.device = &step;
  entry(&step);
  return std::move(recorder.launches);
}

/// Of all calls. Within a prompt a row sees half of it on average.
KernelWork CompiledCode::workOf(const rt::Kernel &kernel,
                                const StepShape &shape) const {
  double calls = double(kernel.calls), sequences = double(shape.sequences);
  double rows = double(kernel.outputs ? shape.sequences : shape.rows);
  double fresh = double(shape.rows) / sequences;
  double seen = double(shape.context) + (fresh > 1 ? fresh / 2 : 0);
  KernelWork work;
  work.name = kernel.name;
  work.op = kernel.op;
  work.flops = calls * rows *
               (double(kernel.flops) + double(kernel.contextFlops) * seen);
  work.bytes =
      weightBytes(kernel, shape.rows, shape.sequences) +
      calls * (rows * double(kernel.rowBytes) +
               sequences * (double(kernel.sequenceBytes) +
                            double(kernel.contextBytes) *
                                (double(shape.context) + fresh)));
  return work;
}

std::vector<KernelWork> CompiledCode::kernelsOf(const StepShape &shape) {
  std::vector<KernelWork> works;
  for (const rt::Kernel &kernel : artifact.manifest.kernels)
    works.push_back(workOf(kernel, shape));
  for (auto [number, blocks] : launchesOf(shape)) {
    KernelWork &work = works[size_t(code->kernels[size_t(number)].kernel)];
    ++work.launches;
    work.blocks = std::max(work.blocks, blocks);
    if (work.unit < units[size_t(number)])
      work.unit = units[size_t(number)];
  }
  std::erase_if(works, [](const KernelWork &work) { return !work.launches; });
  return works;
}

std::unique_ptr<GPUCode> compileForGPU(const std::string &model,
                                       const std::string &target, bool f32) {
  mlir::registerPassManagerCLOptions(); // A compilation reads them.
  return std::make_unique<CompiledCode>(model, target, f32);
}

} // namespace braid
