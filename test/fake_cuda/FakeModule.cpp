//===- FakeModule.cpp - code on the fake GPU ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module is a section of PTX of the artefact or one of its assembled kernels,
// byte for byte. What its kernels look like is read from the PTX, what they do
// is done by the functions that the artefact has for the simulator.
//===----------------------------------------------------------------------===//
#include "FakeModule.h"
#include "braid-rt/abi.h"
#include "braid-rt/artifact.h"
#include "braid-rt/error.h"
#include "sim/Simulator.h"

#include <cstdio>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <filesystem>
#include <memory>

namespace fake {
namespace {

using namespace braid::rt;

struct Module;

struct LoadedKernel {
  Module *module;
  const GpuKernel *manifest;
  size_t number;                ///< In the manifest.
  enum class Parameter { Number, Pointer, TensorMap };
  std::vector<Parameter> parameters;
  int64_t threads = 0;          ///< .maxntid
  uint64_t sharedLimit = 48 << 10;
};

/// What an artefact has for a target.
struct Program {
  const GpuCode *code;
  std::string ptx, cubins;
  std::unique_ptr<Simulator> simulator; ///< With the first module.
};

/// The artefact whose code the driver is given.
struct Source {
  Artifact artifact;
  void *library = nullptr;
  std::deque<Program> programs;
  ~Source() {
    if (library)
      dlclose(library);
  }
};

struct Module {
  std::shared_ptr<Source> source; ///< Of all modules at a time.
  Program *program = nullptr;
  const GpuKernel *only = nullptr; ///< The kernel it has; null: all.
  std::deque<LoadedKernel> kernels; ///< Those that were asked for; stay in place.
};

std::shared_ptr<Source> openSource() {
  static std::weak_ptr<Source> last;
  const std::string &path = driver().settings.artifact;
  if (path.empty())
    violation("BRAID_FAKE_CUDA names no artefact");
  if (auto source = last.lock(); source && source->artifact.path == path)
    return source;
  auto source = std::make_shared<Source>();
  source->artifact = Artifact::open(path);
  // By a name without a slash it would look in the system's folders.
  source->library = dlopen(std::filesystem::absolute(path).c_str(),
                           RTLD_NOW | RTLD_LOCAL);
  if (!source->library)
    violation("cannot open the artefact: " + std::string(dlerror()));
  for (const GpuCode &code : source->artifact.manifest.gpus) {
    std::string prefix = BRAID_SECTION_GPU_PREFIX + code.target;
    source->programs.push_back(
        {&code, readSection(source->artifact, prefix + ".ptx"),
         code.cubin ? readSection(source->artifact, prefix + ".cubin") : "",
         nullptr});
  }
  last = source;
  return source;
}

/// Not by memcmp, which may read on behind the first difference: nobody knows
/// how long the image is.
bool isAssembled(const Program &program, const GpuKernel &kernel,
                 const char *image) {
  const char *cubin = program.cubins.data() + kernel.cubinOffset;
  for (uint64_t i = 0; i < kernel.cubinBytes; ++i)
    if (image[i] != cubin[i])
      return false;
  return program.code->cubin;
}

/// What an image is.
void identify(Module &module, const char *image) {
  for (Program &program : module.source->programs) {
    module.program = &program;
    if (!std::strcmp(image, program.ptx.c_str()))
      return;
    for (const GpuKernel &kernel : program.code->kernels)
      if (isAssembled(program, kernel, image)) {
        module.only = &kernel;
        return;
      }
  }
  violation("an image that is no code of the artefact");
}

void loadSimulator(Program &program, void *library) {
  std::vector<SimKernel> kernels;
  for (const GpuKernel &kernel : program.code->kernels) {
    void *function = dlsym(library, kernel.sim.c_str());
    if (!function)
      violation("the artefact was compiled without --with-sim");
    kernels.push_back({kernel.name, reinterpret_cast<braid_sim_fn>(function),
                       kernel.threads, kernel.sharedBytes});
  }
  program.simulator = std::make_unique<Simulator>(std::move(kernels));
}

/// Parameters and threads of an entry of the PTX.
void readEntry(LoadedKernel &kernel, const std::string &ptx) {
  size_t at = ptx.find(".entry " + kernel.manifest->name + "(");
  if (at == ptx.npos)
    violation("PTX has no kernel " + kernel.manifest->name);
  size_t end = ptx.find(')', at), body = ptx.find('{', end);
  for (size_t p = ptx.find(".param", at); p < end;
       p = ptx.find(".param", p + 1)) {
    size_t line = ptx.find('_', p);
    std::string declaration = ptx.substr(p, line - p);
    using Parameter = LoadedKernel::Parameter;
    if (declaration.find(".align 64 .b8") != declaration.npos) {
      kernel.parameters.push_back(Parameter::TensorMap);
      continue;
    }
    if (declaration.find(".u64") == declaration.npos &&
        declaration.find(".b64") == declaration.npos)
      violation("a parameter that is not 8 bytes wide: " + declaration);
    bool pointer = declaration.find(".ptr") != declaration.npos;
    kernel.parameters.push_back(pointer ? Parameter::Pointer
                                        : Parameter::Number);
  }
  size_t threads = ptx.find(".maxntid", end);
  if (threads < body)
    std::sscanf(ptx.c_str() + threads, ".maxntid %ld", &kernel.threads);
}

/// What the fake driver encodes a tensor map as.
const braid_tensor_map &decode(const CUtensorMap &map) {
  static_assert(sizeof(braid_tensor_map) <= sizeof(map));
  return *reinterpret_cast<const braid_tensor_map *>(&map);
}

/// Copies of a launch's parameters.
struct Parameters {
  std::vector<uint64_t> values;
  std::deque<CUtensorMap> maps; ///< In the order of their values.
};

/// Simulates a launch. A fault breaks the GPU.
void simulate(const LoadedKernel &kernel, const std::array<int64_t, 3> &grid,
              const Parameters &given) {
  std::vector<uint64_t> values = given.values;
  std::vector<int64_t> extents;
  size_t map = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    using Parameter = LoadedKernel::Parameter;
    if (kernel.parameters[i] == Parameter::TensorMap) {
      values[i] = reinterpret_cast<uint64_t>(&decode(given.maps[map++]));
      extents.push_back(BRAID_TENSOR_MAP);
      continue;
    }
    CUdeviceptr end =
        kernel.parameters[i] == Parameter::Pointer ? rangeEndOf(values[i]) : 0;
    extents.push_back(end ? int64_t(end - values[i]) : -1);
  }
  braid_launch launch{int64_t(kernel.number),
                      {grid[0], grid[1], grid[2]},
                      int64_t(values.size()),
                      values.data(),
                      extents.data()};
  braid_step step{};
  Simulator &simulator = *kernel.module->program->simulator;
  simulator.begin(step);
  simulator.launch(launch);
  try {
    simulator.end();
  } catch (const Error &error) {
    std::fprintf(stderr, "fake cuda: %s\n", error.what());
    driver().broken = 700;
  }
}

} // namespace

Work launchOf(CUfunction function, std::array<int64_t, 3> grid,
              unsigned threads, unsigned shared, void **parameters) {
  auto *kernel = reinterpret_cast<LoadedKernel *>(function);
  if (!driver().modules.count(kernel->module))
    violation("a kernel of a module that is gone");
  if (kernel->threads && int64_t(threads) != kernel->threads)
    violation(kernel->manifest->name + ": a block of the wrong size");
  if (shared != kernel->manifest->sharedBytes || shared > kernel->sharedLimit)
    violation(kernel->manifest->name + ": more shared memory than was set");
  Parameters given;
  for (size_t i = 0; i < kernel->parameters.size(); ++i)
    if (kernel->parameters[i] == LoadedKernel::Parameter::TensorMap) {
      given.values.push_back(0);
      given.maps.push_back(*static_cast<CUtensorMap *>(parameters[i]));
    } else {
      given.values.push_back(*static_cast<uint64_t *>(parameters[i]));
    }
  return [=] { simulate(*kernel, grid, given); };
}

} // namespace fake

using namespace fake;

FAKE_EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                                        unsigned, int *, void **) {
  Call call("cuModuleLoadDataEx", Call::Context);
  if (call.code())
    return call.code();
  auto made = std::make_unique<Module>();
  made->source = openSource();
  identify(*made, static_cast<const char *>(image));
  if (!made->program->simulator)
    loadSimulator(*made->program, made->source->library);
  driver().modules.insert(made.get());
  *module = handleOf<CUmodule>(made.release());
  return 0;
}

FAKE_EXPORT CUresult cuModuleUnload(CUmodule module) {
  Call call("cuModuleUnload", Call::Context);
  known(driver().modules, module, "module");
  drain();
  driver().modules.erase(module);
  delete reinterpret_cast<Module *>(module);
  return call.code();
}

FAKE_EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle,
                                         const char *name) {
  Call call("cuModuleGetFunction", Call::Context);
  known(driver().modules, handle, "module");
  if (call.code())
    return call.code();
  Module &module = *reinterpret_cast<Module *>(handle);
  const std::vector<GpuKernel> &kernels = module.program->code->kernels;
  for (size_t i = 0; i < kernels.size(); ++i)
    if (kernels[i].name == name && (!module.only || module.only == &kernels[i])) {
      LoadedKernel &kernel = module.kernels.emplace_back(
          LoadedKernel{&module, &kernels[i], i, {}});
      readEntry(kernel, module.program->ptx);
      *function = handleOf<CUfunction>(&kernel);
      return 0;
    }
  return CUDA_ERROR_NOT_FOUND;
}

FAKE_EXPORT CUresult cuFuncGetAttribute(int *value, int which,
                                        CUfunction function) {
  Call call("cuFuncGetAttribute", Call::Context);
  if (which != CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)
    violation("an unknown attribute of a kernel");
  auto *kernel = reinterpret_cast<LoadedKernel *>(function);
  *value = kernel->threads ? int(kernel->threads) : 1024;
  return call.code();
}

FAKE_EXPORT CUresult cuFuncSetAttribute(CUfunction function, int which,
                                        int value) {
  Call call("cuFuncSetAttribute", Call::Context);
  if (which != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    violation("an unknown attribute of a kernel");
  if (!call.code())
    reinterpret_cast<LoadedKernel *>(function)->sharedLimit = uint64_t(value);
  return call.code();
}

FAKE_EXPORT CUresult cuTensorMapEncodeTiled(
    CUtensorMap *map, int type, uint32_t rank, void *data,
    const uint64_t *sizes, const uint64_t *strides, const uint32_t *tile,
    const uint32_t *steps, int interleave, int swizzle, int, int fill) {
  Call call("cuTensorMapEncodeTiled", Call::Context, /*allowedInCapture=*/true);
  if (type != CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 || rank != 2 ||
      tile[0] != BRAID_TILE_COLUMNS || steps[0] != 1 || steps[1] != 1 ||
      interleave != CU_TENSOR_MAP_INTERLEAVE_NONE ||
      swizzle != CU_TENSOR_MAP_SWIZZLE_128B ||
      fill != CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE)
    violation("a tensor map of an unexpected form");
  if (call.code())
    return call.code();
  checkAccess(reinterpret_cast<CUdeviceptr>(data),
              (sizes[1] - 1) * strides[0] + 2 * sizes[0],
              "cuTensorMapEncodeTiled");
  new (map) braid_tensor_map{data, int64_t(sizes[1]), int64_t(sizes[0]),
                             int64_t(strides[0]), int64_t(tile[1])};
  return 0;
}
