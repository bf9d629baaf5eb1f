//===- ObjectCode.h - from bitcode to an object file (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TARGET_OBJECTCODE_H
#define BRAID_TARGET_OBJECTCODE_H

#include "Shards.h"
#include "braid/Target/TargetSpec.h"

namespace braid {

/// The bytes of an object file.
using ObjectCode = llvm::SmallVector<char, 0>;

/// Gives a module the target's triple and data layout. Throws rt::Error if LLVM
/// was built without x86.
void setTarget(llvm::Module &module, const TargetSpec &target);

/// Optimises a module and generates its code. May run on several threads at
/// once. REQUIRES: `bitcode` was written after setTarget.
ObjectCode generateObject(const Bitcode &bitcode, const TargetSpec &target);

} // namespace braid

#endif // BRAID_TARGET_OBJECTCODE_H
