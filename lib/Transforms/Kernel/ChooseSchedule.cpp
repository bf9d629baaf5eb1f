//===- ChooseSchedule.cpp - decides how each kernel is to be emitted
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../GPU/AttentionTile.h"
#include "../GPU/EmitScan.h"
#include "KernelGroup.h"
#include "braid/Transforms/Passes.h"

namespace braid {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

/// What a level offers: f32 lanes of a vector, rows of a contraction tile of
/// two vectors, and whether pairs of bf16 can be multiplied into f32. Without
/// that instruction both are split into f32 pairs first, which takes registers.
struct Level {
  StringRef name;
  int64_t lanes, rows, splitRows;
  bool bf16Dot;
};

constexpr Level kLevels[] = {
    // 16 registers: 6 x 2 sums + 2 weights + 1, or 4 x 2 + 4 + 2. Six rows of
    // split pairs spilled two sums in the inner loop.
    {"x86-64-v3", 8, 6, 4, false},
    // 32 registers: 8 x 2 + 4 + 2.
    {"avx512", 16, 8, 8, false},
    {"avx512-bf16", 16, 8, 8, true},
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
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function->hasAttr(kKernelAttr))
        continue;
      bool gpu = function->hasAttr(kTargetAttr);
      setSchedules(function, [&](Operation *op) -> Attribute {
        return gpu ? Attribute(chooseGPU(op, function)) : choose(op, *level);
      });
    }
  }

  /// The main op's is the kernel's; ops that want another one have their own.
  static void setSchedules(func::FuncOp kernel,
                           function_ref<Attribute(Operation *)> scheduleFor) {
    Operation *main = mainOp(kernel);
    if (!main)
      return;
    kernel->setAttr(kScheduleAttr, scheduleFor(main));
    kernel.walk([&](DestinationStyleOpInterface op) {
      Attribute schedule = scheduleFor(op);
      op->removeAttr(kScheduleAttr);
      if (schedule != kernel->getAttr(kScheduleAttr))
        op->setAttr(kScheduleAttr, schedule);
    });
  }

  GPUScheduleAttr chooseGPU(Operation *op, func::FuncOp kernel) {
    auto schedule = [&](StringRef strategy, int64_t threads, int64_t blocks) {
      return GPUScheduleAttr::get(&getContext(), strategy, threads, blocks);
    };
    if (reference)
      return schedule("reference", 1, 1);
    return llvm::TypeSwitch<Operation *, GPUScheduleAttr>(op)
        .Case([&](RmsNormOp norm) {
          return schedule("simt", rowThreads(norm.getInit()), 2);
        })
        .Case([&](PackedContractOp contract) {
          return scheduleContract(contract, widest(contract, kernel),
                                  targetOf(kernel));
        })
        .Case([&](CausalConvOp) { return schedule("simt", 128, 4); })
        .Case([&](SsdScanOp scan) {
          return schedule(scanFitsTensorCores(scan) ? "mma" : "simt", 128, 3);
        })
        .Case([&](AttentionOp attention) {
          GPUScheduleAttr mma = schedule("mma", 128, 2);
          bool fits = AttentionTile::whyNot(attention, mma).empty();
          return fits ? mma : schedule("simt", 128, 2);
        })
        .Case<GatherRowsOp, TapOp, CombineExpertsOp>(
            [&](auto) { return schedule("simt", 128, 2); })
        // A block reads a row: that takes as many loads at once as can be.
        .Case([&](SampleOp) { return schedule("simt", 512, 2); })
        // A warp that chooses needs no barrier.
        .Case([&](RouteOp) { return schedule("simt", 32, 16); })
        .Case([&](GroupRowsOp group) {
          return schedule("simt", groupThreads(group), 1);
        })
        .Default(
            [&](Operation *) { return schedule("reference", 1, 1); });
  }

  /// Outputs of the widest of the kernel's contractions that have one input.
  static int64_t widest(PackedContractOp contract, func::FuncOp kernel) {
    int64_t outputs = 0;
    kernel.walk([&](PackedContractOp op) {
      auto type = cast<ShapedType>(op.getInit().getType());
      if (op.getX() == contract.getX())
        outputs = std::max(outputs, type.getShape().back());
    });
    return outputs;
  }

  static StringRef targetOf(func::FuncOp kernel) {
    auto target = kernel->getAttrOfType<StringAttr>(kTargetAttr);
    return target ? target.getValue() : StringRef();
  }

  /// Tiles for warpgroups where a contraction is large enough to be worth the
  /// code: if there are blocks for half of a large GPU's multiprocessors, and
  /// half a tile for each expert.
  GPUScheduleAttr scheduleWgmma(PackedContractOp op, int64_t outputs) {
    constexpr int64_t kLeast = 256, kColumns = 256, kBlocks = 64;
    auto x = cast<MemRefType>(op.getX().getType());
    bool grouped = !op.getGroups().empty();
    // Choices of a row follow each other.
    if (grouped && x.getRank() == 3 && x.getLayout().isIdentity())
      x = MemRefType::get({ShapedType::kDynamic, x.getShape().back()},
                          x.getElementType());
    int64_t inputs = x.getShape().back();
    if (outputs < kLeast || inputs < kLeast || inputs % 8 != 0 ||
        !TensorMapOp::fits(x))
      return {};
    int64_t experts =
        cast<MemRefType>(op.getWeight().getType()).getShape().front();
    int64_t enough =
        grouped ? llvm::divideCeil(outputs, kColumns) * experts / 2 : 0;
    return GPUScheduleAttr::get(
        &getContext(), "wgmma", 256, 2,
        {grouped ? 64 : 128, kColumns, std::max(kBlocks, enough)});
  }

  /// In f32 an output is the same sum for any number of rows. Tensor cores take
  /// two bf16 at once: rows have to lie at even places.
  GPUScheduleAttr scheduleContract(PackedContractOp op, int64_t outputs,
                                   StringRef target) {
    auto x = cast<MemRefType>(op.getX().getType());
    auto weight = cast<MemRefType>(op.getWeight().getType());
    auto schedule = [&](StringRef strategy, ArrayRef<int64_t> tile = {}) {
      return GPUScheduleAttr::get(&getContext(), strategy, 256, 2, tile);
    };
    if (x.getElementType().isF32())
      return schedule("simt");
    auto [strides, offset] = x.getStridesAndOffset();
    auto odd = [](int64_t size) {
      return ShapedType::isDynamic(size) || size % 2 != 0;
    };
    if (weight.getElementType().isF32() || odd(offset) ||
        llvm::any_of(ArrayRef(strides).drop_back(), odd))
      return schedule("gemv");
    if (target == "sm_90a")
      if (GPUScheduleAttr wide = scheduleWgmma(op, outputs))
        return wide;
    if (outputs <= 64)
      return schedule("mma", {64, 64, 0});
    // Few of many rows fall to an expert. With fewer blocks than a large GPU
    // has multiprocessors, smaller ones are done sooner.
    return schedule("mma", {op.getGroups().empty() ? 128 : 64, 128, 128});
  }

  /// As many warps as have room for their counters in 32 KiB, up to 16.
  static int64_t groupThreads(GroupRowsOp op) {
    auto begin = cast<ShapedType>(op.getBegin().getType());
    int64_t bytes = 4 * (begin.getDimSize(0) - 1);
    return 32 * std::clamp<int64_t>(32768 / bytes, 1, 16);
  }

  /// Threads for a block that works on a row: eight elements each.
  static int64_t rowThreads(Value row) {
    int64_t width = cast<ShapedType>(row.getType()).getShape().back();
    return std::clamp<int64_t>(llvm::alignTo(width / 8, 32), 32, 512);
  }

  ScheduleAttr choose(Operation *op, const Level &level) {
    MLIRContext *context = &getContext();
    if (reference)
      return ScheduleAttr::get(context, "reference", 1, 1, "fma");
    auto contract = dyn_cast<PackedContractOp>(op);
    bool pairs =
        contract &&
        !getElementTypeOrSelf(contract.getWeight().getType()).isF32();
    bool dot = pairs && level.bf16Dot;
    int64_t rows = pairs && !dot ? level.splitRows : level.rows;
    return ScheduleAttr::get(context, "vector", level.lanes, rows,
                             dot ? "bf16" : "fma");
  }
};
} // namespace
