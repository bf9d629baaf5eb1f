//===- Blocks.h - the body of each block kind, on tensors (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_IMPORT_BLOCKS_H
#define BRAID_LIB_IMPORT_BLOCKS_H

#include "Signatures.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace braid {

/// Types that the whole model shares.
struct ModelTypes {
  ModelTypes(mlir::MLIRContext &context, const ModelConfig &config,
             Precision precision);

  mlir::Type activation, f32, index;
  BatchType batch;
  mlir::RankedTensorType rows; ///< ?xH of the activation type.
  /// Pools by name, in the order of the step's arguments; only those that the
  /// model has: conv, ssm, k, v.
  std::vector<PoolAttr> pools;
};

/// Names of the pools that a block of this kind updates.
std::vector<llvm::StringRef> poolsOf(BlockKind kind);

/// Dumps print a function's arguments by these names.
void nameArguments(mlir::func::FuncOp function,
                   llvm::ArrayRef<llvm::StringRef> names);

/// Adds `func.func private @<signature>(h, layer, ordinal, [batch, pools...])
/// -> (h, pools...)` at the builder's insertion point.
mlir::func::FuncOp buildBlock(mlir::ImplicitLocOpBuilder &b,
                              const ModelConfig &config,
                              const ModelTypes &types,
                              const Signature &signature);

/// Straight-line tensor code in the model's vocabulary. All values [T, n].
class RowBuilder {
public:
  RowBuilder(mlir::ImplicitLocOpBuilder &b, const ModelTypes &types,
             std::string params, llvm::ArrayRef<WeightSpec> weights)
      : b(b), types(types), params(std::move(params)), weights(weights) {}

  /// What follows belongs to this part of the layer, such as "mixer.in_proj".
  void at(const llvm::Twine &part);
  /// Gives `value` the name that dumps print: a location inside the part's.
  mlir::Value called(llvm::StringRef name, mlir::Value value);
  /// From here on all values have as many rows as `x`.
  void useRowsOf(mlir::Value x);

  bool has(llvm::StringRef name) const;
  /// A weight as stored, at the instance `layer`.
  mlir::Value param(llvm::StringRef name);
  /// A fresh [T, width].
  mlir::Value empty(int64_t width, mlir::Type element);
  mlir::Value norm(mlir::Value x, llvm::StringRef weight, double eps,
                   mlir::Value gate = {}, int64_t groups = 1);
  /// x W^T in f32, plus the bias if the signature has one.
  mlir::Value contract(mlir::Value x, llvm::StringRef weight);
  /// The same, into `out` [T, N] f32; without a bias.
  mlir::Value contractInto(mlir::Value x, llvm::StringRef weight,
                           mlir::Value out);
  /// r(x W^T + b).
  mlir::Value project(mlir::Value x, llvm::StringRef weight);
  /// relu(r(x W^T + b))^2, rounded.
  mlir::Value projectRelu2(mlir::Value x, llvm::StringRef weight);
  /// h = r(h + r(acc) [+ r(addend + r(acc))]): the residual sum, in place of h.
  mlir::Value addResidual(mlir::Value h, mlir::Value acc,
                          mlir::Value addend = {});
  mlir::Value columns(mlir::Value x, int64_t begin, int64_t width);

  mlir::ImplicitLocOpBuilder &b;
  const ModelTypes &types;
  mlir::Value layer;

private:
  using Scalars = mlir::ValueRange;
  using ScalarFn = llvm::function_ref<mlir::Value(mlir::OpBuilder &,
                                                  mlir::Location, Scalars)>;
  mlir::Value elementwise(mlir::ValueRange ins, mlir::Value out, ScalarFn fn);
  mlir::Value round(mlir::OpBuilder &o, mlir::Location loc, mlir::Value v);
  mlir::Value widen(mlir::OpBuilder &o, mlir::Location loc, mlir::Value v);

  mlir::Value rows, zero;
  std::string params;
  llvm::ArrayRef<WeightSpec> weights;
};

} // namespace braid

#endif // BRAID_LIB_IMPORT_BLOCKS_H
