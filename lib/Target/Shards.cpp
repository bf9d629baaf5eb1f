//===- Shards.cpp - a module in pieces that compile side by side
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Shards.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace braid;
using llvm::Function;
using llvm::GlobalValue;

/// Enough to keep the cores of a workstation busy; the largest kernel takes
/// about an eighth of the time anyway.
static constexpr size_t kShards = 8;

Bitcode braid::writeBitcode(const llvm::Module &module) {
  Bitcode bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::WriteBitcodeToFile(module, out);
  return bytes;
}

/// The only function that calls a local function, if it has no other use.
static Function *singleCaller(Function &function) {
  if (!function.hasLocalLinkage() || !function.hasOneUse())
    return nullptr;
  auto *call = llvm::dyn_cast<llvm::CallBase>(function.user_back());
  return call && call->getCalledFunction() == &function ? call->getFunction()
                                                        : nullptr;
}

/// The function at whose side this one stays: its caller's caller's ...
static Function *leaderOf(Function &function) {
  Function *leader = &function;
  llvm::SmallPtrSet<Function *, 8> seen; // Dead code may go round in circles.
  while (Function *caller = singleCaller(*leader)) {
    if (!seen.insert(caller).second)
      break;
    leader = caller;
  }
  return leader;
}

using ShardOf = llvm::DenseMap<const GlobalValue *, size_t>;

/// Leaders with their followers, in the module's order, each to the shard that
/// has the fewest instructions yet.
static ShardOf assignShards(llvm::Module &module) {
  llvm::MapVector<Function *, std::vector<Function *>> groups;
  for (Function &function : module)
    if (!function.isDeclaration())
      groups[leaderOf(function)].push_back(&function);
  ShardOf shardOf;
  std::vector<size_t> instructions(kShards);
  for (auto &[leader, functions] : groups) {
    size_t shard = llvm::min_element(instructions) - instructions.begin();
    for (Function *function : functions) {
      shardOf[function] = shard;
      instructions[shard] += function->getInstructionCount();
    }
  }
  return shardOf;
}

std::vector<Bitcode> braid::splitIntoShards(llvm::Module &module) {
  ShardOf shardOf = assignShards(module);
  // Only now: who calls a function decided where it goes.
  std::vector<Function *> leaders;
  for (Function &function : module)
    if (function.hasLocalLinkage() && !singleCaller(function))
      leaders.push_back(&function);
  for (Function *leader : leaders) {
    leader->setLinkage(GlobalValue::ExternalLinkage);
    leader->setVisibility(GlobalValue::HiddenVisibility);
  }
  std::vector<Bitcode> shards;
  for (size_t shard = 0; shard < kShards; ++shard) {
    llvm::ValueToValueMapTy values;
    auto part =
        llvm::CloneModule(module, values, [&](const GlobalValue *global) {
          return !llvm::isa<Function>(global) ||
                 shardOf.lookup(global) == shard;
        });
    shards.push_back(writeBitcode(*part));
  }
  return shards;
}
