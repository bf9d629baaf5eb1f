//===- Bundle.cpp - object code and the linked artefact
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Target/Bundle.h"
#include "ObjectCode.h"
#include "Program.h"
#include "Shards.h"
#include "TemporaryFile.h"
#include "braid-rt/abi.h"
#include "braid-rt/error.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
#include <deque>

using namespace mlir;
using namespace braid;


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

/// A module of its own for what is no code.
static Bitcode makeSections(ModuleOp source, const BundleOptions &options) {
  llvm::LLVMContext context;
  llvm::Module module("sections", context);
  setTarget(module, options.target);
  addSection(module, BRAID_SECTION_MANIFEST, writeManifest(source, options));
  if (!options.tokenizer.empty())
    addSection(module, BRAID_SECTION_TOKENIZER, options.tokenizer);
  for (const DeviceCode &code : options.deviceCode) {
    std::string prefix = BRAID_SECTION_GPU_PREFIX + code.target.name;
    addSection(module, prefix + ".ptx", code.ptx);
    if (std::string cubins = code.cubinSection(); !cubins.empty())
      addSection(module, prefix + ".cubin", cubins);
  }
  if (options.goldenBytes)
    addSection(module, BRAID_SECTION_GOLDEN,
               std::string(options.goldenBytes, '\0'));
  braid_seal seal = {};
  memcpy(seal.magic, BRAID_SEAL_MAGIC, sizeof(seal.magic));
  addSection(module, BRAID_SECTION_SEAL,
             llvm::StringRef(reinterpret_cast<char *>(&seal), sizeof(seal)));
  return writeBitcode(module);
}

/// Object files in the order in which they are linked. As many threads work as
/// the context has; the objects do not depend on their number.
static std::vector<ObjectCode> generateObjects(ModuleOp source,
                                               const BundleOptions &options) {
  OwningOpRef<ModuleOp> code(source.clone());
  for (auto params : llvm::make_early_inc_range(code->getOps<ParamsOp>()))
    params.erase();
  for (auto device :
       llvm::make_early_inc_range(code->getOps<gpu::GPUModuleOp>()))
    device.erase();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> lowered =
      translateModuleToLLVMIR(*code, context, "model");
  if (!lowered)
    throw rt::Error("cannot translate the module to LLVM IR");
  setTarget(*lowered, options.target);
  hideInternals(*lowered, options);
  std::vector<Bitcode> shards = splitIntoShards(*lowered);
  shards.push_back(makeSections(source, options));
  std::vector<ObjectCode> objects(shards.size());
  parallelFor(source.getContext(), 0, shards.size(), [&](size_t i) {
    objects[i] = generateObject(shards[i], options.target);
  });
  return objects;
}

/// A kernel may need memory moves, nothing else from outside. The linked code
/// is what counts: the backend adds calls that the IR does not show.
static void checkExternals(const std::string &linked) {
  auto file = llvm::object::ObjectFile::createObjectFile(linked);
  if (!file) { // To a descriptor the linker writes what fits, without a word.
    llvm::consumeError(file.takeError());
    throw rt::Error(linked + ": cannot be written: the linker's output is cut "
                             "short",
                    "is the disk full?");
  }
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

static void link(llvm::ArrayRef<std::string> objects,
                 const TemporaryFile &output) {
  llvm::ErrorOr<std::string> linker = llvm::sys::findProgramByName(
      "ld.lld", {BRAID_LLVM_TOOLS_DIR});
  if (!linker)
    linker = llvm::sys::findProgramByName("ld.lld-22");
  if (!linker)
    throw rt::Error("cannot find the linker ld.lld", "install lld-22");
  // Not by name, see runProgram: "-" is stdout. lld would remove a file called
  // "-" that it finds in its folder.
  std::vector<std::string> arguments = {
      absolute(*linker),   "-shared", "--build-id=none",
      "--hash-style=gnu",  "-z",      "noexecstack",
      "-soname=model.braid", "-o",    "-"};
  for (const std::string &object : objects)
    arguments.push_back(absolute(object));
  MemoryFile complaints("what the linker says");
  if (int code = runProgram(arguments, output.descriptor,
                            complaints.descriptor)) {
    // What it prints when it crashes is not for the user.
    std::string reason = code > 128 ? ::strsignal(code - 128)
                                    : llvm::StringRef(complaints.content())
                                          .split('\n').first.str();
    throw rt::Error(output.path + ": cannot be linked: " +
                    (reason.empty() ? *linker + " ended with exit code " +
                                          std::to_string(code)
                                    : reason));
  }
}

void braid::writeArtifact(ModuleOp module, const BundleOptions &options,
                          const std::string &path) {
  std::deque<TemporaryFile> files;
  std::vector<std::string> objects;
  for (const ObjectCode &object : generateObjects(module, options)) {
    files.emplace_back(path + ".%%%%%%.o");
    files.back().write({object.data(), object.size()});
    files.back().close();
    objects.push_back(files.back().path);
  }
  TemporaryFile linked(path + ".%%%%%%.tmp");
  link(objects, linked);
  checkExternals(linked.path);
  if (auto error = llvm::sys::fs::rename(linked.path, path))
    throw rt::Error(path + ": cannot be written: " + error.message());
}
