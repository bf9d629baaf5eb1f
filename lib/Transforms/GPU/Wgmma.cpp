//===- Wgmma.cpp - the matrix instruction of a warpgroup
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Wgmma.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace braid;

/// "$first, $(first + 1), ...".
static std::string registers(int64_t first, int64_t count) {
  SmallVector<std::string> names;
  for (int64_t i = first; i < first + count; ++i)
    names.push_back("$" + std::to_string(i));
  return llvm::join(names, ", ");
}

/// Operands are numbered results first; each sum that goes in is tied to one.
static std::string textOf(int64_t columns) {
  int64_t sums = columns / 2, a = 2 * sums;
  return llvm::formatv(
      "{{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned."
      "m64n{0}k16.f32.bf16.bf16 {{{1}}, {{{2}}, ${3}, p, 1, 1, 0; }",
      columns, registers(0, sums), registers(a, 4), a + 4);
}

static std::string constraintsOf(int64_t columns) {
  SmallVector<std::string> all(columns / 2, "=f");
  for (int64_t i = 0; i < columns / 2; ++i)
    all.push_back(std::to_string(i));
  all.append(4, "r");
  all.append({"l", "~{memory}"});
  return llvm::join(all, ",");
}

LLVM::InlineAsmOp braid::createWgmma(OpBuilder &b, Location loc, ValueRange a,
                                     Value descriptor, ValueRange sums) {
  int64_t columns = 2 * sums.size();
  SmallVector<Value> operands(sums);
  llvm::append_range(operands, a);
  operands.push_back(descriptor);
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(sums.size(), b.getF32Type()));
  return LLVM::InlineAsmOp::create(
      b, loc, type, operands, textOf(columns), constraintsOf(columns),
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
}

std::optional<int64_t> braid::columnsOfWgmma(LLVM::InlineAsmOp op) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  auto sums = dyn_cast<LLVM::LLVMStructType>(op->getResult(0).getType());
  if (!sums)
    return std::nullopt;
  int64_t columns = 2 * sums.getBody().size();
  if (op.getAsmString() != textOf(columns) ||
      op.getConstraints() != constraintsOf(columns))
    return std::nullopt;
  return columns;
}
