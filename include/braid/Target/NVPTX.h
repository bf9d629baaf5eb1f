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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>
#include <string>
#include <vector>

namespace braid {

/// What the assembler says of one kernel.
struct KernelResources {
  int64_t registers = 0;   ///< Of a thread.
  int64_t stackBytes = 0;  ///< Of a thread's local memory.
  int64_t spillBytes = 0;  ///< Stored because registers were not enough.
};

/// One kernel, assembled.
struct Cubin {
  std::string bytes; ///< Empty without an assembler.
  std::optional<KernelResources> resources; ///< If the assembler says.
  bool cached = false; ///< Assembled by an earlier compilation.
};

/// Code of one GPU target.
struct DeviceCode {
  GPUTarget target;
  std::string ptx;           ///< Of all its kernels.
  std::string ptxas;         ///< The assembler's version, "13.0"; may be empty.
  std::vector<Cubin> cubins; ///< Of kernelsOf() its module, in their order.

  /// The cubins one behind the other; empty without an assembler.
  std::string cubinSection() const;
};

/// The kernels of a GPU module in the NVVM dialect, in its order.
mlir::SmallVector<mlir::LLVM::LLVMFuncOp>
kernelsOf(mlir::gpu::GPUModuleOp device);

/// The assembler's path: `given` if not empty, else below CUDA_HOME or on PATH;
/// empty if there is none. Throws rt::Error if `given` cannot be run.
std::string findPtxas(const std::string &given);

/// The folder for machine code: `given`, which is made if it is not there, or
/// braid below XDG_CACHE_HOME or ~/.cache; empty for "none" or if there is no
/// such place. Throws rt::Error if `given` is and can be no folder.
std::string findCodeCache(const std::string &given);

struct AssemblerOptions {
  std::string ptxas; ///< Empty: PTX alone.
  std::string cache; ///< Empty: nothing is kept.
};

/// Code of each target's GPU module, all in the NVVM dialect. As many kernels at
/// once as the context has threads; the bytes do not depend on it, nor on what
/// is in the cache. Throws rt::Error: the PTX needs a function from outside, for
/// which there is no library; the assembler's first complaint; a kernel whose
/// strategy is not the reference keeps values in local memory.
std::vector<DeviceCode> generateDeviceCode(mlir::ModuleOp module,
                                           mlir::ArrayRef<GPUTarget> targets,
                                           const AssemblerOptions &options);

} // namespace braid

#endif // BRAID_TARGET_NVPTX_H
