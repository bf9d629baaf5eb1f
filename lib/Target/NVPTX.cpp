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
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
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
static void checkExterns(StringRef ptx) {
  size_t at = ptx.find(".extern .func");
  if (at == StringRef::npos)
    return;
  StringRef line = ptx.substr(at).take_until([](char c) { return c == '\n'; });
  throw rt::Error("generated PTX needs '" + line.str() +
                      "', which no library provides",
                  "this is a bug in Braid");
}

static std::string emitPTX(gpu::GPUModuleOp module, const GPUTarget &target) {
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> lowered =
      translateModuleToLLVMIR(module, context, module.getName());
  if (!lowered)
    throw rt::Error("cannot translate the GPU module '" +
                    module.getName().str() + "' to LLVM IR");
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
  checkExterns(text);
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
  if (!given.empty())
    return given == "none" ? "" : given;
  // A relative path there is to be ignored (XDG Base Directory Specification).
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (cache && llvm::sys::path::is_absolute(cache))
    return std::string(cache) + "/braid";
  return home && *home ? std::string(home) + "/.cache/braid" : "";
}

static std::string contentOf(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// Reads the report of `ptxas -v`: per kernel a line "Compiling entry function
/// 'K'", then its frame and spills, then its registers.
static std::map<std::string, KernelResources> readReport(StringRef report) {
  llvm::Regex entry("Compiling entry function '([^']+)'");
  llvm::Regex frame("([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores");
  llvm::Regex used("Used ([0-9]+) registers");
  std::map<std::string, KernelResources> kernels;
  KernelResources *current = nullptr;
  SmallVector<StringRef> lines, match;
  report.split(lines, '\n');
  auto number = [&](unsigned group) {
    int64_t value = 0;
    (void)match[group].getAsInteger(10, value);
    return value;
  };
  for (StringRef line : lines) {
    if (entry.match(line, &match))
      current = &kernels[match[1].str()];
    else if (current && frame.match(line, &match))
      current->stackBytes = number(1), current->spillBytes = number(2);
    else if (current && used.match(line, &match))
      current->registers = number(1);
  }
  return kernels;
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

static std::string temporaryFolder() {
  llvm::SmallString<64> folder;
  llvm::sys::path::system_temp_directory(/*erasedOnReboot=*/true, folder);
  return absolute(folder);
}

static Assembled runPtxas(const std::string &ptx, const GPUTarget &target,
                          const std::string &ptxas) {
  std::string model = temporaryFolder() + "/braid-%%%%%%";
  TemporaryFile source(model + ".ptx"), cubin(model + ".cubin"),
      report(model + ".log");
  source.write(ptx);
  // The open file, not its name: see runProgram.
  std::string output = "/proc/" + std::to_string(::getpid()) + "/fd/" +
                       std::to_string(cubin.descriptor);
  int code = runProgram(
      {ptxas, "-arch=" + target.name, "-v", source.path, "-o", output},
      report.descriptor, report.descriptor);
  Assembled made{contentOf(cubin.path), contentOf(report.path)};
  const char *remedy = "--ptxas=FILE names another assembler: that of CUDA 12.8 "
                       "or later knows all targets";
  if (code != 0)
    throw rt::Error(ptxas + ": " + target.name + ": " +
                        complaint(made.report, code),
                    remedy);
  if (made.code.empty())
    throw rt::Error(ptxas + ": " + target.name + ": wrote no machine code",
                    remedy);
  return made;
}

/// What the assembler says of its version; empty if it does not.
static std::string versionOf(const std::string &ptxas) {
  TemporaryFile text(temporaryFolder() + "/braid-%%%%%%.log");
  return runProgram({ptxas, "--version"}, text.descriptor, text.descriptor)
             ? ""
             : contentOf(text.path);
}

namespace {
/// An assembler whose results are kept.
class Assembler {
public:
  explicit Assembler(const AssemblerOptions &options)
      : ptxas(options.ptxas), cache(options.cache),
        version(ptxas.empty() ? "" : versionOf(ptxas)) {}

  /// Empty without an assembler.
  Cubin assemble(const std::string &ptx, const GPUTarget &target) const {
    if (ptxas.empty())
      return {};
    // Of an assembler without a version nothing is known.
    std::string key = CodeCache::keyOf({ptx, target.name, version});
    auto found = version.empty() ? std::nullopt : cache.find(key);
    Assembled made = found ? std::move(*found) : runPtxas(ptx, target, ptxas);
    if (!found && !version.empty())
      cache.keep(key, made);
    return {std::move(made.code), readReport(made.report), found.has_value()};
  }

private:
  std::string ptxas;
  CodeCache cache;
  std::string version;
};
} // namespace

/// Throws rt::Error if a kernel of the module keeps values in local memory,
/// which only those of the reference strategy may.
static void requireRegisters(gpu::GPUModuleOp module, const Cubin &cubin) {
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    auto found = cubin.kernels.find(function.getSymName().str());
    auto strategy = function->getAttrOfType<StringAttr>(kStrategyAttr);
    if (found == cubin.kernels.end() ||
        (strategy && strategy.getValue() == "reference"))
      continue;
    const KernelResources &used = found->second;
    if (used.spillBytes || used.stackBytes)
      throw rt::Error("kernel " + function.getSymName().str() + " for " +
                          module.getName().str() + ": " +
                          std::to_string(used.spillBytes) +
                          " bytes of registers are spilled and " +
                          std::to_string(used.stackBytes) +
                          " bytes are in local memory",
                      "this is a bug in Braid; the reference strategy may "
                      "(braid.schedule in a dump of the kernel phase)");
  }
}

/// A schedule's number of blocks on a multiprocessor is a limit to registers.
/// Where a kernel would spill for it, its PTX no longer asks for it.
static bool dropDemands(std::string &ptx, const Cubin &cubin) {
  bool changed = false;
  for (const auto &[name, used] : cubin.kernels) {
    if (!used.spillBytes)
      continue;
    size_t entry = ptx.find(".entry " + name + "(");
    size_t demand = ptx.find(".minnctapersm", entry);
    if (demand > ptx.find('{', entry))
      continue;
    ptx.erase(demand, ptx.find('\n', demand) + 1 - demand);
    changed = true;
  }
  return changed;
}

std::vector<DeviceCode>
braid::generateDeviceCode(ModuleOp module, ArrayRef<GPUTarget> targets,
                          const AssemblerOptions &options) {
  Assembler assembler(options);
  std::vector<DeviceCode> codes(targets.size());
  std::vector<std::exception_ptr> failures(targets.size());
  parallelFor(module.getContext(), 0, targets.size(), [&](size_t i) {
    try {
      auto device = module.lookupSymbol<gpu::GPUModuleOp>(targets[i].name);
      codes[i] = {targets[i], emitPTX(device, targets[i]), {}};
      codes[i].cubin = assembler.assemble(codes[i].ptx, targets[i]);
      if (dropDemands(codes[i].ptx, codes[i].cubin))
        codes[i].cubin = assembler.assemble(codes[i].ptx, targets[i]);
      requireRegisters(device, codes[i].cubin);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  });
  for (const std::exception_ptr &failure : failures)
    if (failure)
      std::rethrow_exception(failure);
  return codes;
}
