//===- JoinLaunches.cpp - one launch for all ops of a kernel
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

namespace braid {
#define GEN_PASS_DEF_JOINLAUNCHES
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// Moves what `from` holds to the front of `into`.
static void prepend(Region &from, Region &into) {
  if (from.empty())
    return;
  Block &source = from.front();
  if (into.empty()) {
    into.takeBody(from);
    return;
  }
  Block &target = into.front();
  target.getOperations().splice(target.begin(), source.getOperations(),
                                source.begin(), std::prev(source.end()));
}

/// Branches of one condition become one, at the place of the last: what stands
/// between them computes sizes and reads no results of them.
static void joinBranches(Block &block) {
  llvm::SmallMapVector<Value, scf::IfOp, 4> last;
  for (auto branch : llvm::make_early_inc_range(block.getOps<scf::IfOp>())) {
    if (branch.getNumResults() != 0)
      continue;
    scf::IfOp &earlier = last[branch.getCondition()];
    if (earlier) {
      prepend(earlier.getThenRegion(), branch.getThenRegion());
      prepend(earlier.getElseRegion(), branch.getElseRegion());
      earlier.erase();
    }
    earlier = branch;
  }
  for (auto &[condition, branch] : last)
    for (Region &region : branch->getRegions())
      if (!region.empty())
        joinBranches(region.front());
}

/// Which of the kernel's ops a launch belongs to.
static Attribute memberOf(gpu::LaunchOp launch) {
  return launch->getAttr(kMemberAttr);
}

static bool same(Value a, Value b) {
  std::optional<int64_t> number = getConstantIntValue(a);
  return a == b || (number && number == getConstantIntValue(b));
}

/// Blocks of one size.
static bool canJoin(gpu::LaunchOp a, gpu::LaunchOp b) {
  return memberOf(a) != memberOf(b) && a->getAttr(kBlocksAttr) == b->getAttr(kBlocksAttr) &&
         same(a.getBlockSizeX(), b.getBlockSizeX()) &&
         same(a.getGridSizeZ(), b.getGridSizeZ()) &&
         getConstantIntValue(a.getDynamicSharedMemorySize()) &&
         getConstantIntValue(b.getDynamicSharedMemorySize());
}

/// Moves what a block of `launch` does to the end of `into`, in `joined`.
static void moveBody(gpu::LaunchOp launch, gpu::LaunchOp joined, Block *into) {
  Block &body = launch.getBody().front();
  for (auto [old, fresh] : llvm::zip_equal(
           body.getArguments(), joined.getBody().front().getArguments()))
    old.replaceAllUsesWith(fresh);
  into->getOperations().splice(std::prev(into->end()), body.getOperations(),
                               body.begin(), std::prev(body.end()));
  launch.erase();
}

namespace {
/// Grids of one height stay as they are; of others the blocks are counted.
struct JoinedGrid {
  ImplicitLocOpBuilder &b;
  bool level;

  Value blocksOf(gpu::LaunchOp launch) {
    Value x = launch.getGridSizeX();
    return level ? x : arith::MulIOp::create(b, x, launch.getGridSizeY());
  }
  /// Makes the blocks of `launch` those from number 0 on.
  void place(gpu::LaunchOp launch, Value number) {
    Value x = number;
    if (!level) {
      Value width = launch.getGridSizeX();
      x = arith::RemUIOp::create(b, number, width);
      launch.getBlockIds().y.replaceAllUsesWith(
          arith::DivUIOp::create(b, number, width));
    }
    launch.getBlockIds().x.replaceAllUsesWith(x);
  }
};
} // namespace

/// The blocks of `a`, then those of `b`, in a launch at the place of `b`. Which
/// they are is the same for all threads of a block.
static gpu::LaunchOp join(gpu::LaunchOp a, gpu::LaunchOp b) {
  ImplicitLocOpBuilder builder(b.getLoc(), b);
  JoinedGrid grid{builder, same(a.getGridSizeY(), b.getGridSizeY())};
  Value size = grid.blocksOf(a);
  Value blocks = arith::AddIOp::create(builder, size, grid.blocksOf(b));
  Value height = grid.level
                     ? b.getGridSizeY()
                     : arith::ConstantIndexOp::create(builder, 1).getResult();
  Value bytes = a.getDynamicSharedMemorySize();
  if (*getConstantIntValue(bytes) < *getConstantIntValue(b.getDynamicSharedMemorySize()))
    bytes = b.getDynamicSharedMemorySize();
  auto joined = gpu::LaunchOp::create(
      builder, blocks, height, b.getGridSizeZ(), b.getBlockSizeX(),
      b.getBlockSizeY(), b.getBlockSizeZ(), bytes);
  joined->setDiscardableAttrs(b->getDiscardableAttrDictionary());
  builder.setInsertionPointToStart(&joined.getBody().front());
  Value number = joined.getBlockIds().x;
  Value first = arith::CmpIOp::create(builder, arith::CmpIPredicate::slt,
                                      number, size);
  auto choice = scf::IfOp::create(builder, first, /*withElseRegion=*/true);
  gpu::TerminatorOp::create(builder);
  builder.setInsertionPointToStart(choice.thenBlock());
  grid.place(a, number);
  builder.setInsertionPointToStart(choice.elseBlock());
  grid.place(b, arith::SubIOp::create(builder, number, size));
  moveBody(a, joined, choice.thenBlock());
  moveBody(b, joined, choice.elseBlock());
  return joined;
}

/// If an op has more launches than one here, they are in an order.
static bool oneOfEach(ArrayRef<gpu::LaunchOp> launches) {
  llvm::SmallDenseSet<Attribute> members;
  return llvm::all_of(launches, [&](gpu::LaunchOp launch) {
    return members.insert(memberOf(launch)).second;
  });
}

/// Those that follow one another with nothing but sizes between them: a launch
/// of no member is there because it has to come before them.
static void joinLaunches(Block &block) {
  SmallVector<gpu::LaunchOp> launches;
  for (auto launch : block.getOps<gpu::LaunchOp>()) {
    if (memberOf(launch))
      launches.push_back(launch);
    else
      launches.clear();
  }
  if (!launches.empty() && oneOfEach(launches)) {
    gpu::LaunchOp joined = launches[0];
    for (gpu::LaunchOp next : ArrayRef(launches).drop_front())
      joined = canJoin(joined, next) ? join(joined, next) : next;
  }
  for (auto branch : block.getOps<scf::IfOp>())
    for (Region &region : branch->getRegions())
      if (!region.empty())
        joinLaunches(region.front());
}

namespace {
class JoinLaunches : public braid::impl::JoinLaunchesBase<JoinLaunches> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    bool joins = kernel.walk([](gpu::LaunchOp launch) {
                         return memberOf(launch) ? WalkResult::interrupt()
                                                 : WalkResult::advance();
                       }).wasInterrupted();
    if (!joins)
      return;
    IRRewriter rewriter(&getContext());
    auto unify = [&] {
      DominanceInfo dominance(kernel);
      eliminateCommonSubExpressions(rewriter, dominance, kernel);
    };
    // Equal conditions and sizes are one value before they are compared.
    unify();
    joinBranches(kernel.getBody().front());
    unify();
    joinLaunches(kernel.getBody().front());
    kernel.walk([](gpu::LaunchOp launch) { launch->removeAttr(kMemberAttr); });
  }
};
} // namespace
