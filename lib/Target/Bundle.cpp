//===- Bundle.cpp - object code and the linked artefact
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Target/Bundle.h"
#include "TemporaryFile.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace mlir;
using namespace braid;

static std::unique_ptr<llvm::TargetMachine>
createMachine(const BundleOptions &options) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    throw rt::Error("cannot generate x86-64 code: " + error);
  llvm::TargetOptions codegen;
  codegen.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, options.target.cpu, options.target.attributes, codegen,
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

/// Only what the manifest names can be seen from outside.
static void hideInternals(llvm::Module &module, const BundleOptions &options) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::StringRef name = function.getName();
    bool exported = name.starts_with("braid_step") ||
                    name.starts_with("sim_") ||
                    (name.starts_with("braid_prepare_") &&
                     !name.ends_with("_impl"));
    if (!exported)
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
    function.addFnAttr("target-cpu", options.target.cpu);
    if (!options.target.attributes.empty())
      function.addFnAttr("target-features", options.target.attributes);
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

static void addSection(llvm::Module &module, llvm::StringRef section,
                       llvm::StringRef bytes) {
  auto *data = llvm::ConstantDataArray::getString(module.getContext(), bytes,
                                                  /*AddNull=*/false);
  auto *global = new llvm::GlobalVariable(
      module, data->getType(), /*isConstant=*/true,
      llvm::GlobalValue::InternalLinkage, data, "braid_data");
  global->setSection(section);
  global->setAlignment(llvm::Align(8));
  llvm::appendToUsed(module, {global});
}

static void addSections(llvm::Module &module, ModuleOp source,
                        const BundleOptions &options) {
  addSection(module, BRAID_SECTION_MANIFEST, writeManifest(source, options));
  if (!options.tokenizer.empty())
    addSection(module, BRAID_SECTION_TOKENIZER, options.tokenizer);
  for (const DeviceCode &code : options.deviceCode) {
    std::string prefix = BRAID_SECTION_GPU_PREFIX + code.target.name;
    addSection(module, prefix + ".ptx", code.ptx);
    if (!code.cubin.bytes.empty())
      addSection(module, prefix + ".cubin", code.cubin.bytes);
  }
  if (options.goldenBytes)
    addSection(module, BRAID_SECTION_GOLDEN,
               std::string(options.goldenBytes, '\0'));
  braid_seal seal = {};
  memcpy(seal.magic, BRAID_SEAL_MAGIC, sizeof(seal.magic));
  addSection(module, BRAID_SECTION_SEAL,
             llvm::StringRef(reinterpret_cast<char *>(&seal), sizeof(seal)));
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Kernels are vectors already; guessing at the rest only costs time.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

static void emitObject(llvm::Module &module, llvm::TargetMachine &machine,
                       const TemporaryFile &object) {
  llvm::raw_fd_ostream out(object.descriptor, /*shouldClose=*/true);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, out, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    throw rt::Error("cannot emit object code for this target");
  passes.run(module);
  out.flush();
  if (out.has_error()) {
    std::string message = out.error().message();
    out.clear_error();
    throw rt::Error(object.path + ": cannot be written: " + message);
  }
}

/// The first line of the linker's complaints.
static std::string firstLine(const std::string &file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  return buffer ? (*buffer)->getBuffer().split('\n').first.str() : "";
}

/// A kernel may need memory moves, nothing else from outside. The object is
/// what counts: the backend adds calls that the IR does not show.
static void checkExternals(const std::string &object) {
  auto file = llvm::object::ObjectFile::createObjectFile(object);
  if (!file)
    throw rt::Error(object + ": " + llvm::toString(file.takeError()));
  for (const llvm::object::SymbolRef &symbol : file->getBinary()->symbols()) {
    llvm::StringRef name = llvm::cantFail(symbol.getName());
    bool outside = llvm::cantFail(symbol.getFlags()) &
                   llvm::object::SymbolRef::SF_Undefined;
    if (outside && !name.empty() && name != "memcpy" && name != "memset" &&
        name != "memmove")
      throw rt::Error("generated code calls '" + name.str() +
                          "', which no library of the artefact provides",
                      "this is a bug in Braid");
  }
}

static void link(const std::string &object, const std::string &output) {
  llvm::ErrorOr<std::string> linker = llvm::sys::findProgramByName(
      "ld.lld", {BRAID_LLVM_TOOLS_DIR});
  if (!linker)
    linker = llvm::sys::findProgramByName("ld.lld-22");
  if (!linker)
    throw rt::Error("cannot find the linker ld.lld", "install lld-22");
  std::string error;
  llvm::StringRef arguments[] = {*linker,          "-shared",
                                 "--build-id=none", "--hash-style=gnu",
                                 "-z",              "noexecstack",
                                 "-soname=model.braid", "-o",
                                 output,            object};
  TemporaryFile complaints(output + ".%%%%%%.log");
  ::close(complaints.descriptor);
  std::optional<llvm::StringRef> null[] = {llvm::StringRef(""), std::nullopt,
                                           llvm::StringRef(complaints.path)};
  int code = llvm::sys::ExecuteAndWait(*linker, arguments, std::nullopt, null,
                                       0, 0, &error);
  if (code != 0)
    throw rt::Error(output + ": cannot be linked: " +
                    (error.empty() ? firstLine(complaints.path) : error));
}

void braid::writeArtifact(ModuleOp module, const BundleOptions &options,
                          const std::string &path) {
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(options);
  OwningOpRef<ModuleOp> code(module.clone());
  for (auto params : llvm::make_early_inc_range(code->getOps<ParamsOp>()))
    params.erase();
  for (auto device : llvm::make_early_inc_range(code->getOps<gpu::GPUModuleOp>()))
    device.erase();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> lowered =
      translateModuleToLLVMIR(*code, context, "model");
  if (!lowered)
    throw rt::Error("cannot translate the module to LLVM IR");
  lowered->setTargetTriple(machine->getTargetTriple());
  lowered->setDataLayout(machine->createDataLayout());
  hideInternals(*lowered, options);
  addSections(*lowered, module, options);
  optimize(*lowered, *machine);
  TemporaryFile object(path + ".%%%%%%.o"), linked(path + ".%%%%%%.tmp");
  emitObject(*lowered, *machine, object);
  checkExternals(object.path);
  ::close(linked.descriptor);
  link(object.path, linked.path);
  if (auto error = llvm::sys::fs::rename(linked.path, path))
    throw rt::Error(path + ": cannot be written: " + error.message());
}
