//===- NVPTX.h - from GPU modules to PTX and machine code
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TARGET_NVPTX_H
#define BRAID_TARGET_NVPTX_H

#include "braid/Target/TargetSpec.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include <map>
#include <string>

namespace braid {

/// PTX of a module in the NVVM dialect. Throws rt::Error, also if the text needs
/// a function from outside: there is no library to find it in.
std::string emitPTX(mlir::gpu::GPUModuleOp module, const GPUTarget &target);

/// What the assembler says of one kernel.
struct KernelResources {
  int64_t registers = 0;   ///< Of a thread.
  int64_t stackBytes = 0;  ///< Of a thread's local memory.
  int64_t spillBytes = 0;  ///< Stored because registers were not enough.
};

struct Cubin {
  std::string bytes;
  std::map<std::string, KernelResources> kernels;
};

/// The assembler's path: `given` if not empty, else below CUDA_HOME or on PATH;
/// empty if there is none. Throws rt::Error if `given` cannot be run.
std::string findPtxas(const std::string &given);

/// Assembles PTX. Throws rt::Error with the assembler's first complaint.
Cubin assemble(const std::string &ptx, const GPUTarget &target,
               const std::string &ptxas);

/// Throws rt::Error if a kernel of the module keeps values in local memory,
/// which only those of the reference strategy may.
void requireRegisters(mlir::gpu::GPUModuleOp module, const Cubin &cubin);

} // namespace braid

#endif // BRAID_TARGET_NVPTX_H
