//===- PlanArena.cpp - places all temporaries of a step in one arena
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace braid {
#define GEN_PASS_DEF_PLANARENA
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {

constexpr int64_t kAlign = 64;

/// One allocation: where it lies, and while which calls it is alive (positions
/// of operations in its block).
struct Temporary {
  memref::AllocOp alloc;
  int64_t bytes; ///< In all, or per row if its first dimension is dynamic.
  bool perRow;
  int64_t first, last;
  int64_t offset = -1;
};

/// Bytes used so far: `fixed + perRow * rows`.
struct Extent {
  int64_t fixed = 0, perRow = 0;
};

class PlanArena : public braid::impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override;

  LogicalResult placeAllocations(func::FuncOp function);
  FailureOr<SmallVector<Temporary>> collect(func::FuncOp function);
  void addContext(func::FuncOp function);
  void passContext();
  LogicalResult replaceParams();
  /// Callers before callees, so that a callee's base is known.
  SmallVector<func::FuncOp> callersFirst();

  llvm::DenseMap<Operation *, Extent> base;
  Extent total;
};

} // namespace

SmallVector<func::FuncOp> PlanArena::callersFirst() {
  SmallVector<func::FuncOp> order;
  llvm::SmallPtrSet<Operation *, 16> seen;
  std::function<void(func::FuncOp)> visit = [&](func::FuncOp function) {
    if (!seen.insert(function).second)
      return;
    function.walk([&](func::CallOp call) {
      visit(getOperation().lookupSymbol<func::FuncOp>(call.getCallee()));
    });
    order.push_back(function);
  };
  for (auto function : getOperation().getOps<func::FuncOp>())
    visit(function);
  std::reverse(order.begin(), order.end());
  return order;
}

/// Position of the last operation that uses `value` or a view of it.
static int64_t lastUse(Value value,
                       const llvm::DenseMap<Operation *, int64_t> &position) {
  int64_t last = 0;
  for (Operation *user : value.getUsers()) {
    // A use inside a region counts where the region's op stands.
    Operation *top = user;
    while (!position.contains(top))
      top = top->getParentOp();
    last = std::max(last, position.lookup(top));
    if (isa<ViewLikeOpInterface>(user))
      last = std::max(last, lastUse(user->getResult(0), position));
  }
  return last;
}

FailureOr<SmallVector<Temporary>> PlanArena::collect(func::FuncOp function) {
  llvm::DenseMap<Operation *, int64_t> position;
  for (auto [i, op] : llvm::enumerate(function.getBody().front()))
    position[&op] = i;
  SmallVector<Temporary> result;
  auto walked = function.walk([&](memref::AllocOp alloc) -> WalkResult {
    MemRefType type = alloc.getType();
    if (alloc->getBlock() != &function.getBody().front() ||
        type.getNumDynamicDims() > 1 ||
        (type.getNumDynamicDims() == 1 && !type.isDynamicDim(0)))
      return alloc.emitOpError("a temporary of a step needs static sizes "
                               "beside its rows, found ")
             << type;
    bool perRow = type.getNumDynamicDims() == 1;
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    for (int64_t size : type.getShape())
      bytes *= ShapedType::isDynamic(size) ? 1 : size;
    result.push_back({alloc, int64_t(llvm::alignTo(bytes, kAlign)), perRow,
                      position.lookup(alloc),
                      lastUse(alloc.getResult(), position)});
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  return result;
}

/// First fit: the lowest offset where no temporary that is alive at the same
/// time lies. Returns the end of what is used.
static int64_t place(MutableArrayRef<Temporary> temporaries, bool perRow,
                     int64_t base) {
  int64_t end = base;
  for (auto [i, temporary] : llvm::enumerate(temporaries)) {
    if (temporary.perRow != perRow)
      continue;
    SmallVector<const Temporary *> alive;
    for (const Temporary &other : temporaries.take_front(i))
      if (other.perRow == perRow && other.first <= temporary.last &&
          temporary.first <= other.last)
        alive.push_back(&other);
    llvm::sort(alive, [](const Temporary *a, const Temporary *b) {
      return a->offset < b->offset;
    });
    int64_t offset = base;
    for (const Temporary *other : alive) {
      if (offset + temporary.bytes <= other->offset)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    temporary.offset = offset;
    end = std::max(end, offset + temporary.bytes);
  }
  return end;
}

LogicalResult PlanArena::placeAllocations(func::FuncOp function) {
  FailureOr<SmallVector<Temporary>> temporaries = collect(function);
  if (failed(temporaries))
    return failure();
  Extent begin = base.lookup(function), end;
  end.fixed = place(*temporaries, false, begin.fixed);
  end.perRow = place(*temporaries, true, begin.perRow);
  total.fixed = std::max(total.fixed, end.fixed);
  total.perRow = std::max(total.perRow, end.perRow);
  function.walk([&](func::CallOp call) {
    Extent &callee =
        base[getOperation().lookupSymbol<func::FuncOp>(call.getCallee())];
    callee.fixed = std::max(callee.fixed, end.fixed);
    callee.perRow = std::max(callee.perRow, end.perRow);
  });
  Value context = function.getArgument(0);
  for (Temporary &temporary : *temporaries) {
    OpBuilder b(temporary.alloc);
    auto view = ArenaViewOp::create(
        b, temporary.alloc.getLoc(), temporary.alloc.getType(), context,
        temporary.perRow ? 0 : temporary.offset,
        temporary.perRow ? temporary.offset : 0,
        temporary.alloc.getDynamicSizes());
    temporary.alloc.replaceAllUsesWith(view.getResult());
    temporary.alloc.erase();
  }
  return success();
}

void PlanArena::addContext(func::FuncOp function) {
  Type context = ContextType::get(&getContext());
  (void)function.insertArgument(0, context, {}, function.getLoc());
}

void PlanArena::passContext() {
  getOperation().walk([&](func::CallOp call) {
    auto function = call->getParentOfType<func::FuncOp>();
    call.getOperandsMutable().assign([&] {
      SmallVector<Value> operands = {function.getArgument(0)};
      llvm::append_range(operands, call.getOperands());
      return operands;
    }());
  });
}

LogicalResult PlanArena::replaceParams() {
  auto walked = getOperation().walk([&](ParamOp param) -> WalkResult {
    WeightOp weight = param.getDeclaration();
    if (!weight || !weight.getTable())
      return param.emitOpError("reads a weight without a place in the table");
    OpBuilder b(param);
    Value context =
        param->getParentOfType<func::FuncOp>().getArgument(0);
    auto view = WeightViewOp::create(b, param.getLoc(), param.getType(), context,
                                     *weight.getTable(), param.getLayer());
    param.replaceAllUsesWith(view.getResult());
    param.erase();
    return WalkResult::advance();
  });
  return failure(walked.wasInterrupted());
}

void PlanArena::runOnOperation() {
  SmallVector<func::FuncOp> functions;
  for (func::FuncOp function : callersFirst())
    if (!function->hasAttr("braid.prepare"))
      functions.push_back(function);
  for (func::FuncOp function : functions)
    addContext(function);
  passContext();
  for (func::FuncOp function : functions)
    if (failed(placeAllocations(function)))
      return signalPassFailure();
  if (failed(replaceParams()))
    return signalPassFailure();
  // Row temporaries lie after the fixed ones.
  getOperation().walk([&](ArenaViewOp view) {
    if (cast<MemRefType>(view.getType()).getNumDynamicDims() != 0)
      view.setFixed(total.fixed);
  });
  OpBuilder b(&getContext());
  getOperation()->setAttr(
      kArenaAttr, b.getDenseI64ArrayAttr({total.fixed, total.perRow}));
}
