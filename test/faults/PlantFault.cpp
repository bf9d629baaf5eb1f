//===- PlantFault.cpp - breaks an emitted kernel, for tests of the simulator
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plugin of braid-opt: a pass on the device phase before `nvvm-to-sim`, when
// kernels are what becomes PTX. In the first kernel whose name contains `kernel`,
// that has an op `has`, and so many ops named `op` (that access memory space
// `space`) that there is one of `number`, it takes this one, and
//   erase   removes it,
//   move    adds `bytes` to the address that it accesses,
//   bypass  gives its users its last operand instead of its result,
//   done    removes it, and its users get true instead,
//   skip    lets thread 0 pass it by,
//   part    gives thread 0 such an op of its own, in a branch of its own,
//   shrink  takes `bytes` of the kernel's shared memory (needs no op).
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

namespace {

class PlantFault : public PassWrapper<PlantFault, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PlantFault)
  PlantFault() = default;
  PlantFault(const PlantFault &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "plant-fault"; }

private:
  void runOnOperation() override;
  bool isCandidate(LLVM::LLVMFuncOp function);
  Operation *findOp(LLVM::LLVMFuncOp kernel);
  OpOperand *findAddress(Operation *op);
  bool matches(Operation *op);
  bool plant(Operation *op);
  void branch(Operation *op, bool ownOp);
  void shrinkShared(LLVM::LLVMFuncOp kernel);

  Option<std::string> kernel{*this, "kernel"};
  Option<std::string> has{*this, "has"};
  Option<std::string> edit{*this, "edit"};
  Option<std::string> op{*this, "op"};
  Option<int> number{*this, "number", llvm::cl::init(0)};
  Option<int> space{*this, "space", llvm::cl::init(-1)};
  Option<int> bytes{*this, "bytes", llvm::cl::init(0)};
};

} // namespace

bool PlantFault::isCandidate(LLVM::LLVMFuncOp function) {
  if (!function->getParentOfType<gpu::GPUModuleOp>() ||
      !function.getSymName().contains(kernel))
    return false;
  bool found = has.empty();
  function.walk([&](Operation *inner) {
    found |= inner->getName().getStringRef() == has;
  });
  return found;
}

/// The operand that is an address in the space that was asked for.
OpOperand *PlantFault::findAddress(Operation *candidate) {
  for (OpOperand &operand : candidate->getOpOperands()) {
    auto type = dyn_cast<LLVM::LLVMPointerType>(operand.get().getType());
    if (type && int(type.getAddressSpace()) == space)
      return &operand;
  }
  return nullptr;
}

bool PlantFault::matches(Operation *candidate) {
  return candidate->getName().getStringRef() == op &&
         (space < 0 || findAddress(candidate));
}

Operation *PlantFault::findOp(LLVM::LLVMFuncOp function) {
  Operation *found = nullptr;
  int left = number;
  function.walk([&](Operation *candidate) {
    if (matches(candidate) && left-- == 0)
      found = candidate;
  });
  return found;
}

/// Thread 0 goes past the op, or to another one like it.
void PlantFault::branch(Operation *target, bool ownOp) {
  Location loc = target->getLoc();
  Block *before = target->getBlock();
  Block *others = before->splitBlock(target);
  Block *after = others->splitBlock(target->getNextNode());
  OpBuilder b(&getContext());
  Block *first = b.createBlock(after);
  if (ownOp)
    b.clone(*target);
  LLVM::BrOp::create(b, loc, after);
  b.setInsertionPointToEnd(others);
  LLVM::BrOp::create(b, loc, after);
  b.setInsertionPointToEnd(before);
  Value thread = NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
  Value zero = LLVM::ConstantOp::create(b, loc, b.getI32Type(),
                                        b.getI32IntegerAttr(0));
  Value isFirst = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, thread,
                                       zero);
  LLVM::CondBrOp::create(b, loc, isFirst, first, others);
}

bool PlantFault::plant(Operation *target) {
  if (edit == "erase") {
    target->erase();
  } else if (edit == "move") {
    OpOperand *address = findAddress(target);
    OpBuilder b(target);
    address->set(LLVM::GEPOp::create(
        b, target->getLoc(), address->get().getType(), b.getI8Type(),
        address->get(), ArrayRef<LLVM::GEPArg>{int32_t(bytes)}));
  } else if (edit == "bypass") {
    target->getResult(0).replaceAllUsesWith(
        target->getOperands().back());
  } else if (edit == "done" && target->getNumResults() == 1 &&
             target->getResult(0).getType().isInteger(1)) {
    OpBuilder b(target);
    target->getResult(0).replaceAllUsesWith(LLVM::ConstantOp::create(
        b, target->getLoc(), b.getI1Type(), b.getBoolAttr(true)));
    target->erase();
  } else if (edit == "skip" || edit == "part") {
    branch(target, edit == "part");
  } else {
    return false;
  }
  return true;
}

void PlantFault::shrinkShared(LLVM::LLVMFuncOp function) {
  constexpr StringLiteral name = "braid.shared_bytes";
  auto size = function->getAttrOfType<IntegerAttr>(name);
  function->setAttr(name, IntegerAttr::get(size.getType(),
                                           size.getInt() - bytes));
}

void PlantFault::runOnOperation() {
  bool planted = false;
  getOperation().walk([&](LLVM::LLVMFuncOp function) {
    if (planted || !isCandidate(function))
      return;
    if (edit == "shrink") {
      shrinkShared(function);
      planted = true;
    } else if (Operation *target = findOp(function)) {
      planted = plant(target);
    }
  });
  if (planted)
    return;
  getOperation().emitError("no such kernel, op or edit");
  signalPassFailure();
}

extern "C" PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "braid-faults", "1",
          [] { PassRegistration<PlantFault>(); }};
}
