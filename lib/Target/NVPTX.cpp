//===- NVPTX.cpp - from GPU modules to PTX and machine code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Target/NVPTX.h"
#include "CodeCache.h"
#include "CodeGen.h"
#include "Program.h"
#include "TemporaryFile.h"
#include "braid-rt/error.h"
#include "braid/Dialect/Braid.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace braid;

static constexpr const char *kTriple = "nvptx64-nvidia-cuda";

static std::unique_ptr<llvm::TargetMachine>
createMachine(const GPUTarget &target) {
  static const llvm::Target *nvptx = findTarget(kTriple);
  std::string version = target.ptxVersion;
  version.erase(version.find('.'), 1);
  llvm::TargetOptions codegen;
  codegen.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(nvptx->createTargetMachine(
      llvm::Triple(kTriple), target.name, "+ptx" + version, codegen, std::nullopt,
      std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// A function that PTX does not define would be found missing on the machine
/// with the GPU, by its driver.
static void checkExterns(StringRef kernel, StringRef ptx) {
  size_t at = ptx.find(".extern .func");
  if (at == StringRef::npos)
    return;
  StringRef line = ptx.substr(at).take_until([](char c) { return c == '\n'; });
  throw rt::Error("generated PTX of " + kernel.str() + " needs '" + line.str() +
                      "', which no library provides",
                  "this is a bug in Braid");
}

/// A module with what is in `device`, of whose kernels only one.
static OwningOpRef<gpu::GPUModuleOp> isolate(gpu::GPUModuleOp device,
                                             LLVM::LLVMFuncOp kernel) {
  OwningOpRef<gpu::GPUModuleOp> alone(
      cast<gpu::GPUModuleOp>(device->cloneWithoutRegions()));
  Block &body = alone->getBodyRegion().emplaceBlock();
  for (Operation &op : *device.getBody())
    if (&op == kernel || !op.hasAttr(kKernelAttr))
      body.push_back(op.clone());
  return alone;
}

static std::string emitPTX(gpu::GPUModuleOp module, StringRef kernel,
                           const GPUTarget &target) {
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> lowered =
      translateModuleToLLVMIR(module, context, module.getName());
  if (!lowered)
    throw rt::Error("cannot translate the kernel '" + kernel.str() + "' of '" +
                    target.name + "' to LLVM IR");
  lowered->setTargetTriple(machine->getTargetTriple());
  lowered->setDataLayout(machine->createDataLayout());
  optimize(*lowered, *machine, llvm::OptimizationLevel::O3);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream out(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    throw rt::Error("cannot emit PTX for " + target.name);
  passes.run(*lowered);
  checkExterns(kernel, text);
  return text.str().str();
}

std::string braid::findPtxas(const std::string &given) {
  if (!given.empty()) {
    if (!llvm::sys::fs::can_execute(given))
      throw rt::Error("--ptxas: '" + given + "' cannot be run",
                      "ptxas comes with the CUDA toolkit; without --ptxas it "
                      "is looked for in CUDA_HOME and PATH");
    return absolute(given);
  }
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *home = getenv(variable)) {
      std::string path = std::string(home) + "/bin/ptxas";
      if (llvm::sys::fs::can_execute(path))
        return absolute(path);
    }
  auto found = llvm::sys::findProgramByName("ptxas");
  return found ? absolute(*found) : std::string();
}

std::string braid::findCodeCache(const std::string &given) {
  if (given == "none")
    return "";
  if (!given.empty()) {
    std::error_code error = llvm::sys::fs::create_directories(given);
    if (!llvm::sys::fs::is_directory(given))
      throw rt::Error("--cache: '" + given + "' is no folder" +
                          (error ? " and cannot be made: " + error.message()
                                 : ""),
                      "--cache=none keeps nothing");
    return given;
  }
  // A relative path there is to be ignored (XDG Base Directory Specification).
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (cache && llvm::sys::path::is_absolute(cache))
    return std::string(cache) + "/braid";
  return home && *home ? std::string(home) + "/.cache/braid" : "";
}

/// Reads the report of `ptxas -v` of one kernel: "Compiling entry function",
/// then its frame and spills, then its registers.
static std::optional<KernelResources> readReport(StringRef report) {
  llvm::Regex frame("([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores");
  llvm::Regex used("Used ([0-9]+) registers");
  if (!report.contains("Compiling entry function"))
    return std::nullopt;
  SmallVector<StringRef> match;
  auto number = [&](unsigned group) {
    int64_t value = 0;
    (void)match[group].getAsInteger(10, value);
    return value;
  };
  KernelResources kernel;
  if (frame.match(report, &match))
    kernel.stackBytes = number(1), kernel.spillBytes = number(2);
  if (used.match(report, &match))
    kernel.registers = number(1);
  return kernel;
}

/// The first line that complains; a report has others.
static std::string complaint(StringRef report, int code) {
  SmallVector<StringRef> lines;
  report.split(lines, '\n');
  for (StringRef line : lines)
    if (line.contains("error") || line.contains("fatal"))
      return line.trim().str();
  if (StringRef first = lines[0].trim(); !first.empty())
    return first.str();
  return "ended with exit code " + std::to_string(code);
}

static Assembled runPtxas(const std::string &ptx, StringRef kernel,
                          const GPUTarget &target, const std::string &ptxas) {
  MemoryFile source("PTX of " + kernel.str()),
      cubin("the cubin of " + kernel.str()),
      report("ptxas's report of " + kernel.str());
  source.write(ptx);
  int code = runProgram(
      {ptxas, "-arch=" + target.name, "-v", source.path, "-o", cubin.path},
      report.descriptor, report.descriptor);
  Assembled made{cubin.content(), report.content()};
  std::string where = ptxas + ": " + kernel.str() + " for " + target.name + ": ";
  const char *remedy = "--ptxas=FILE names another assembler: that of CUDA 12.8 "
                       "or later knows all targets";
  if (code != 0) {
    // A name that somebody knows.
    std::string text = complaint(made.report, code);
    if (size_t at = text.find(source.path); at != text.npos)
      text.replace(at, source.path.size(), kernel.str() + ".ptx");
    throw rt::Error(where + text, remedy);
  }
  if (made.code.empty())
    throw rt::Error(where + "wrote no machine code", remedy);
  return made;
}

/// What the assembler says of its version; empty if it does not.
static std::string versionOf(const std::string &ptxas) {
  MemoryFile text("the version of ptxas");
  return runProgram({ptxas, "--version"}, text.descriptor, text.descriptor)
             ? ""
             : text.content();
}

namespace {
/// An assembler whose results are kept.
class Assembler {
public:
  explicit Assembler(const AssemblerOptions &options)
      : ptxas(options.ptxas), cache(options.cache),
        version(ptxas.empty() ? "" : versionOf(ptxas)) {}

  /// Empty without an assembler.
  Cubin assemble(const std::string &ptx, StringRef kernel,
                 const GPUTarget &target) const {
    if (ptxas.empty())
      return {};
    // Of an assembler without a version nothing is known.
    std::string key = CodeCache::keyOf({ptx, target.name, version});
    auto found = version.empty() ? std::nullopt : cache.find(key);
    Assembled made =
        found ? std::move(*found) : runPtxas(ptx, kernel, target, ptxas);
    if (!found && !version.empty())
      cache.keep(key, made);
    return {std::move(made.code), readReport(made.report), found.has_value()};
  }

  void trimCache() const { cache.trim(); }

  /// As "13.0"; empty if it does not say.
  std::string release() const {
    SmallVector<StringRef> match;
    bool found = llvm::Regex("release ([0-9.]+)").match(version, &match);
    return found ? StringRef(match[1]).rtrim('.').str() : "";
  }

private:
  std::string ptxas;
  CodeCache cache;
  std::string version;
};
} // namespace

/// Throws rt::Error if a kernel keeps values in local memory, which only those
/// of the reference strategy may.
static void requireRegisters(LLVM::LLVMFuncOp kernel, const GPUTarget &target,
                             const Cubin &cubin) {
  auto strategy = kernel->getAttrOfType<StringAttr>(kStrategyAttr);
  if (!cubin.resources || (strategy && strategy.getValue() == "reference"))
    return;
  const KernelResources &used = *cubin.resources;
  if (used.spillBytes || used.stackBytes)
    throw rt::Error("kernel " + kernel.getSymName().str() + " for " +
                        target.name + ": " + std::to_string(used.spillBytes) +
                        " bytes of registers are spilled and " +
                        std::to_string(used.stackBytes) +
                        " bytes are in local memory",
                    "in an edited braid.schedule: fewer threads or blocks; "
                    "otherwise this is a bug in Braid, and the strategy "
                    "reference, which may, a way around it");
}

/// A schedule's number of blocks on a multiprocessor is a limit to registers.
/// Where a kernel would spill for it, its PTX no longer asks for it.
static bool dropDemand(std::string &ptx, const Cubin &cubin) {
  if (!cubin.resources || !cubin.resources->spillBytes)
    return false;
  size_t demand = ptx.find(".minnctapersm");
  if (demand == ptx.npos)
    return false;
  ptx.erase(demand, ptx.find('\n', demand) + 1 - demand);
  return true;
}

namespace {
/// A kernel and what is made of it.
struct KernelJob {
  gpu::GPUModuleOp device;
  LLVM::LLVMFuncOp kernel;
  const GPUTarget *target;
  std::string ptx; ///< A module of its own.
  Cubin cubin;
  std::exception_ptr failure;
};
} // namespace

SmallVector<LLVM::LLVMFuncOp> braid::kernelsOf(gpu::GPUModuleOp device) {
  SmallVector<LLVM::LLVMFuncOp> kernels;
  for (auto function : device.getOps<LLVM::LLVMFuncOp>())
    if (function->hasAttr(kKernelAttr))
      kernels.push_back(function);
  return kernels;
}

std::string DeviceCode::cubinSection() const {
  std::string section;
  for (const Cubin &cubin : cubins)
    section += cubin.bytes;
  return section;
}

static std::vector<KernelJob> jobsOf(ModuleOp module,
                                     ArrayRef<GPUTarget> targets) {
  std::vector<KernelJob> jobs;
  for (const GPUTarget &target : targets) {
    auto device = module.lookupSymbol<gpu::GPUModuleOp>(target.name);
    for (LLVM::LLVMFuncOp kernel : kernelsOf(device))
      jobs.push_back({device, kernel, &target, {}, {}, {}});
  }
  return jobs;
}

static void generate(KernelJob &job, const Assembler &assembler) try {
  StringRef name = job.kernel.getSymName();
  job.ptx = emitPTX(*isolate(job.device, job.kernel), name, *job.target);
  job.cubin = assembler.assemble(job.ptx, name, *job.target);
  if (dropDemand(job.ptx, job.cubin))
    job.cubin = assembler.assemble(job.ptx, name, *job.target);
  requireRegisters(job.kernel, *job.target, job.cubin);
} catch (...) {
  job.failure = std::current_exception();
}

static constexpr StringRef kEntry = ".visible .entry";

/// Adds what stands before a kernel: each declaration once, and no remarks.
static void addDeclarations(StringRef ptx, llvm::StringSet<> &known,
                            std::string &text) {
  SmallVector<StringRef> lines;
  ptx.take_front(ptx.find(kEntry)).split(lines, '\n');
  for (StringRef line : lines)
    if (!line.trim().empty() && !line.trim().starts_with("//") &&
        known.insert(line).second)
      text += (line + "\n").str();
}

/// One module of all kernels of a target.
static DeviceCode joinJobs(MutableArrayRef<KernelJob> jobs,
                           const GPUTarget &target) {
  llvm::StringSet<> known;
  std::string kernels;
  DeviceCode code{target, {}, {}, {}};
  for (KernelJob &job : jobs) {
    if (job.target != &target)
      continue;
    addDeclarations(job.ptx, known, code.ptx);
    kernels += ("\n" + StringRef(job.ptx).substr(job.ptx.find(kEntry))).str();
    code.cubins.push_back(std::move(job.cubin));
  }
  code.ptx += kernels;
  return code;
}

std::vector<DeviceCode>
braid::generateDeviceCode(ModuleOp module, ArrayRef<GPUTarget> targets,
                          const AssemblerOptions &options) {
  Assembler assembler(options);
  std::vector<KernelJob> jobs = jobsOf(module, targets);
  parallelFor(module.getContext(), 0, jobs.size(),
              [&](size_t i) { generate(jobs[i], assembler); });
  if (llvm::any_of(jobs, [](const KernelJob &job) { return !job.cubin.cached; }))
    assembler.trimCache();
  for (const KernelJob &job : jobs)
    if (job.failure)
      std::rethrow_exception(job.failure);
  std::vector<DeviceCode> codes;
  for (const GPUTarget &target : targets) {
    codes.push_back(joinJobs(jobs, target));
    codes.back().ptxas = assembler.release();
  }
  return codes;
}
