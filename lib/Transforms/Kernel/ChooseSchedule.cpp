//===- ChooseSchedule.cpp - decides how each kernel is to be emitted
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"

namespace braid {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

/// What a level offers: f32 lanes of a vector, rows of a contraction tile (its
/// accumulators, a panel of weights and one broadcast fill the registers), and
/// whether pairs of bf16 can be multiplied into f32.
struct Level {
  StringRef name;
  int64_t lanes, rows;
  bool bf16Dot;
};

constexpr Level kLevels[] = {
    {"x86-64-v3", 8, 2, false}, // 16 registers: 2 x 4 + 4 + 1
    {"avx512", 16, 8, false},   // 32 registers: 8 x 2 + 2 + 1
    {"avx512-bf16", 16, 8, true},
};

class ChooseSchedule : public braid::impl::ChooseScheduleBase<ChooseSchedule> {
public:
  using ChooseScheduleBase::ChooseScheduleBase;

private:
  void runOnOperation() override {
    auto level = llvm::find_if(
        kLevels, [&](const Level &candidate) { return candidate.name == isa; });
    if (level == std::end(kLevels)) {
      getOperation().emitError("unknown ISA level '")
          << isa << "', expected x86-64-v3, avx512 or avx512-bf16";
      return signalPassFailure();
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(kKernelAttr))
        function->setAttr(kScheduleAttr, choose(function, *level));
  }

  ScheduleAttr choose(func::FuncOp kernel, const Level &level) {
    MLIRContext *context = &getContext();
    if (reference)
      return ScheduleAttr::get(context, "reference", 1, 1, "fma");
    bool pairs = false;
    kernel.walk([&](PackedContractOp op) {
      auto weight = cast<ShapedType>(op.getWeight().getType());
      pairs = level.bf16Dot && weight.getElementType().isBF16();
    });
    return ScheduleAttr::get(context, "vector", level.lanes, level.rows,
                             pairs ? "bf16" : "fma");
  }
};
} // namespace
