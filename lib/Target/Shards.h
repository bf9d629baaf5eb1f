//===- Shards.h - a module in pieces that compile side by side (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TARGET_SHARDS_H
#define BRAID_TARGET_SHARDS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include <vector>

namespace braid {

/// A module as bitcode: it can be read into a context of another thread.
using Bitcode = llvm::SmallVector<char, 0>;

Bitcode writeBitcode(const llvm::Module &module);

/// Divides the functions of `module` among a number of shards that follows from
/// nothing but the module: whatever runs them, the same objects come out. A
/// function with a single caller stays with it, so that it can be inlined;
/// calls between shards go to hidden symbols. Local constants are in every
/// shard that uses them. REQUIRES: no variable that is written to.
std::vector<Bitcode> splitIntoShards(llvm::Module &module);

} // namespace braid

#endif // BRAID_TARGET_SHARDS_H
