//===- SimFunction.h - a GPU function for the simulator (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_CONVERSION_SIMFUNCTION_H
#define BRAID_LIB_CONVERSION_SIMFUNCTION_H

#include "braid-rt/abi.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"
#include <cstddef>

namespace braid {

/// A call that the simulator offers: where it lies in `braid_sim_calls`.
#define SIM_CALL(name) int32_t(offsetof(braid_sim_calls, name) / 8)
#define SIM_FIELD(name) int32_t(offsetof(braid_sim, name) / 8)

/// Rewrites the ops of one function that is to run in the simulator.
class SimFunction {
public:
  /// `function` is a copy of the kernel of that name. `sites`: text of an
  /// error's place -> the symbol of its string.
  SimFunction(mlir::LLVM::LLVMFuncOp function, llvm::StringRef kernel,
              mlir::ModuleOp host, llvm::StringMap<std::string> &sites)
      : function(function), kernel(kernel), host(host), sites(sites),
        b(function.getLoc(), function.getContext()) {}
  mlir::LogicalResult run();

private:
  void takeParameters();
  mlir::LogicalResult rewrite(mlir::Operation *op);
  mlir::LogicalResult rewriteAsync(mlir::Operation *op);
  void rewriteConversion(mlir::Operation *op);
  void rewriteProduct(mlir::LLVM::FMulOp op);
  void replace(mlir::Operation *op, mlir::Value value);
  void announce(mlir::Operation *op, mlir::Value address, mlir::Type type, bool write);
  void rewriteShuffle(mlir::NVVM::ShflOp op);
  void rewriteCopy(mlir::NVVM::CpAsyncOp op);
  mlir::LogicalResult rewriteLoadMatrix(mlir::NVVM::LdMatrixOp op);
  mlir::LogicalResult rewriteMultiply(mlir::NVVM::MmaOp op);
  mlir::Value frame(int64_t words);
  mlir::Value word(mlir::Value frame, int64_t number);
  mlir::Value loadWords(mlir::Value frame, int64_t first, mlir::Type type);
  mlir::LogicalResult rewriteRedux(mlir::NVVM::ReduxOp op);
  mlir::LogicalResult rewriteMatch(mlir::NVVM::MatchSyncOp op);
  mlir::LogicalResult rewriteTile(mlir::NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op);
  mlir::LogicalResult rewriteArrival(mlir::Operation *op, mlir::Value bytes);
  mlir::LogicalResult rewriteWgmma(mlir::LLVM::InlineAsmOp op);
  void announceSums();
  mlir::LogicalResult replaceBy(mlir::Operation *op, int32_t which, mlir::ValueRange arguments);
  mlir::Value field(mlir::Value base, int32_t index, mlir::Type type);
  mlir::Value call(mlir::Operation *op, int32_t which, mlir::Type result, mlir::ValueRange arguments);
  mlir::Value site(mlir::Operation *op);
  mlir::Value i32(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Type pointer() { return mlir::LLVM::LLVMPointerType::get(b.getContext()); }

  mlir::LLVM::LLVMFuncOp function;
  llvm::StringRef kernel;
  mlir::ModuleOp host;
  llvm::StringMap<std::string> &sites;
  llvm::DenseMap<mlir::Operation *, int64_t> ordinals; ///< See site().
  mlir::ImplicitLocOpBuilder b;
};

} // namespace braid

#endif // BRAID_LIB_CONVERSION_SIMFUNCTION_H
