//===- NVVMToSim.cpp - GPU functions as host functions that a simulator runs
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SimFunction.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSwitch.h"

namespace braid {
#define GEN_PASS_DEF_NVVMTOSIM
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

namespace {
class NVVMToSim : public braid::impl::NVVMToSimBase<NVVMToSim> {
  void runOnOperation() override;
  void eraseOld();
  LLVM::LLVMFuncOp copyToHost(LLVM::LLVMFuncOp kernel, StringRef target);
};
} // namespace

Value SimFunction::i32(int64_t value) {
  return LLVM::ConstantOp::create(b, b.getI32Type(),
                                  b.getI32IntegerAttr(value));
}
Value SimFunction::i64(int64_t value) {
  return LLVM::ConstantOp::create(b, b.getI64Type(),
                                  b.getI64IntegerAttr(value));
}

/// Field number `index` of a structure of 8-byte fields.
Value SimFunction::field(Value base, int32_t index, Type type) {
  Value address = LLVM::GEPOp::create(b, pointer(), b.getI64Type(), base,
                                      ArrayRef<LLVM::GEPArg>{index});
  return LLVM::LoadOp::create(b, type, address);
}

/// The line that an error at `op` shows: kernel, op, which of that name in the
/// kernel, and place. Each op has its own, for threads have to meet at one op,
/// not at two that read alike.
Value SimFunction::site(Operation *op) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << kernel << ": " << op->getName() << " " << ordinals.lookup(op);
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    out << " at " << name.getName().getValue();
  auto [entry, fresh] = sites.try_emplace(text);
  std::string &symbol = entry->second;
  if (fresh) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(host.getBody());
    symbol = "site_" + std::to_string(sites.size());
    text.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), text.size());
    LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                           LLVM::Linkage::Internal, symbol,
                           Attribute(b.getStringAttr(text)));
  }
  return LLVM::AddressOfOp::create(b, pointer(), symbol);
}

/// Calls the simulator: (self, site, arguments...).
Value SimFunction::call(Operation *op, int32_t which, Type result,
                        ValueRange arguments) {
  Value self = function.getArgument(0);
  Value callee = field(field(self, SIM_FIELD(calls), pointer()), which,
                       pointer());
  SmallVector<Value> operands = {callee, self, site(op)};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types;
  for (Value operand : ArrayRef(operands).drop_front())
    types.push_back(operand.getType());
  auto type = LLVM::LLVMFunctionType::get(
      result ? result : LLVM::LLVMVoidType::get(b.getContext()), types);
  auto made = LLVM::CallOp::create(b, type, operands);
  return result ? made.getResult() : Value();
}

void SimFunction::announce(Operation *op, Value address, Type type,
                           bool write) {
  DataLayout layout(host);
  call(op, SIM_CALL(access), Type(),
       {address, i64(layout.getTypeSize(type)), i32(write)});
}

/// As `braid_sim_calls` numbers them.
static int64_t shuffleKind(NVVM::ShflKind kind) {
  switch (kind) {
  case NVVM::ShflKind::bfly:
    return 0;
  case NVVM::ShflKind::up:
    return 1;
  case NVVM::ShflKind::down:
    return 2;
  case NVVM::ShflKind::idx:
    return 3;
  }
  llvm_unreachable("all kinds have a number");
}

/// The result is the value, or a structure of it and whether it is valid.
void SimFunction::rewriteShuffle(NVVM::ShflOp op) {
  Type type = op.getVal().getType();
  Value bits = op.getVal();
  if (type != b.getI32Type())
    bits = LLVM::BitcastOp::create(b, b.getI32Type(), bits);
  Value both = call(op, SIM_CALL(shuffle), b.getI64Type(),
                    {op.getThreadMask(), bits, op.getOffset(),
                     op.getMaskAndClamp(), i32(shuffleKind(op.getKind()))});
  Value value = LLVM::TruncOp::create(b, b.getI32Type(), both);
  if (type != b.getI32Type())
    value = LLVM::BitcastOp::create(b, type, value);
  if (auto structure = dyn_cast<LLVM::LLVMStructType>(op.getType())) {
    Value valid = LLVM::TruncOp::create(
        b, b.getI1Type(), LLVM::LShrOp::create(b, both, i64(32)));
    Value pair = LLVM::PoisonOp::create(b, structure);
    pair = LLVM::InsertValueOp::create(b, pair, value, ArrayRef<int64_t>{0});
    value = LLVM::InsertValueOp::create(b, pair, valid, ArrayRef<int64_t>{1});
  }
  replace(op, value);
}

/// Bytes in the middle of an asynchronous copy are the simulator's business: the
/// copy is no load and no store.
void SimFunction::rewriteCopy(NVVM::CpAsyncOp op) {
  Value size = i32(op.getSize());
  Value bytes = op.getCpSize() ? op.getCpSize() : size;
  call(op, SIM_CALL(copy_async), Type(),
       {op.getDst(), op.getSrc(), size, bytes});
  op.erase();
}

/// Place for that many words in the thread's frame, through which fragments of
/// matrices pass.
Value SimFunction::frame(int64_t words) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(b, pointer(), b.getI32Type(), i64(words));
}

Value SimFunction::word(Value frame, int64_t number) {
  return LLVM::GEPOp::create(b, pointer(), b.getI32Type(), frame,
                             ArrayRef<LLVM::GEPArg>{int32_t(number)});
}

/// Words as a value, or as a structure of values, of 32 bits each.
Value SimFunction::loadWords(Value frame, int64_t first, Type type) {
  auto structure = dyn_cast<LLVM::LLVMStructType>(type);
  if (!structure)
    return LLVM::LoadOp::create(b, type, word(frame, first));
  Value all = LLVM::PoisonOp::create(b, structure);
  for (auto [i, element] : llvm::enumerate(structure.getBody())) {
    Value value =
        LLVM::LoadOp::create(b, element, word(frame, first + int64_t(i)));
    all = LLVM::InsertValueOp::create(b, all, value,
                                      ArrayRef<int64_t>{int64_t(i)});
  }
  return all;
}

LogicalResult SimFunction::rewriteLoadMatrix(NVVM::LdMatrixOp op) {
  if (op.getShape().getM() != 8 || op.getShape().getN() != 8 ||
      op.getEltType() != NVVM::LdStMatrixEltType::B16)
    return op.emitOpError("has no simulation but for 8 x 8 elements of 16 bits");
  Value words = frame(op.getNum());
  bool transposed = op.getLayout() == NVVM::MMALayout::col;
  call(op, SIM_CALL(load_matrix), Type(),
       {op.getPtr(), i32(op.getNum()), i32(transposed), words});
  replace(op, loadWords(words, 0, op.getType()));
  return success();
}

LogicalResult SimFunction::rewriteMultiply(NVVM::MmaOp op) {
  NVVM::MMAShapeAttr shape = op.getShape();
  if (shape.getM() != 16 || shape.getN() != 8 || shape.getK() != 16 ||
      op.getMultiplicandAPtxType() != NVVM::MMATypes::bf16 ||
      op.getMultiplicandBPtxType() != NVVM::MMATypes::bf16)
    return op.emitOpError("has no simulation but for m16n8k16 of bf16");
  Value words = frame(4 + 2 + 4);
  for (auto [i, value] : llvm::enumerate(op->getOperands()))
    LLVM::StoreOp::create(b, value, word(words, int64_t(i)));
  call(op, SIM_CALL(multiply), Type(), {words});
  replace(op, loadWords(words, 6, op.getType()));
  return success();
}

LogicalResult SimFunction::rewriteRedux(NVVM::ReduxOp op) {
  if (op.getKind() != NVVM::ReduxKind::ADD || !op.getType().isInteger(32))
    return op.emitOpError("has no simulation but for sums of i32");
  replace(op, call(op, SIM_CALL(sum_lanes), op.getType(),
                   {op.getMaskAndClamp(), op.getVal()}));
  return success();
}

LogicalResult SimFunction::rewriteMatch(NVVM::MatchSyncOp op) {
  if (op.getKind() != NVVM::MatchSyncKind::any ||
      !op.getVal().getType().isInteger(32))
    return op.emitOpError("has no simulation but for `any` of i32");
  replace(op, call(op, SIM_CALL(match_lanes), op.getType(),
                   {op.getThreadMask(), op.getVal()}));
  return success();
}

/// Which number of `braid_sim` a special register is.
static std::optional<int32_t> registerField(Operation *op) {
  return llvm::StringSwitch<std::optional<int32_t>>(op->getName().getStringRef())
      .Case("nvvm.read.ptx.sreg.tid.x", SIM_FIELD(thread[0]))
      .Case("nvvm.read.ptx.sreg.tid.y", SIM_FIELD(thread[1]))
      .Case("nvvm.read.ptx.sreg.tid.z", SIM_FIELD(thread[2]))
      .Case("nvvm.read.ptx.sreg.ntid.x", SIM_FIELD(threads[0]))
      .Case("nvvm.read.ptx.sreg.ctaid.x", SIM_FIELD(block[0]))
      .Case("nvvm.read.ptx.sreg.ctaid.y", SIM_FIELD(block[1]))
      .Case("nvvm.read.ptx.sreg.ctaid.z", SIM_FIELD(block[2]))
      .Case("nvvm.read.ptx.sreg.nctaid.x", SIM_FIELD(blocks[0]))
      .Case("nvvm.read.ptx.sreg.nctaid.y", SIM_FIELD(blocks[1]))
      .Case("nvvm.read.ptx.sreg.nctaid.z", SIM_FIELD(blocks[2]))
      .Default(std::nullopt);
}

/// Whether the address is in a thread's own frame.
static bool isLocal(Value address) {
  while (auto step = address.getDefiningOp<LLVM::GEPOp>())
    address = step.getBase();
  return address.getDefiningOp<LLVM::AllocaOp>() != nullptr;
}

void SimFunction::replace(Operation *op, Value value) {
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
}

LogicalResult SimFunction::rewrite(Operation *op) {
  b.setInsertionPoint(op);
  b.setLoc(op->getLoc());
  if (std::optional<int32_t> index = registerField(op)) {
    Value wide = field(function.getArgument(0), *index, b.getI64Type());
    replace(op, LLVM::TruncOp::create(b, op->getResult(0).getType(), wide));
  } else if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
    announce(op, load.getAddr(), load.getType(), /*write=*/false);
  } else if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
    announce(op, store.getAddr(), store.getValue().getType(), /*write=*/true);
  } else if (isa<LLVM::AddressOfOp>(op)) {
    replace(op, field(function.getArgument(0), SIM_FIELD(shared), pointer()));
  } else if (auto cast = dyn_cast<LLVM::AddrSpaceCastOp>(op)) {
    replace(op, cast.getArg());
  } else if (auto shuffle = dyn_cast<NVVM::ShflOp>(op)) {
    rewriteShuffle(shuffle);
  } else if (isa<NVVM::Barrier0Op, NVVM::BarrierOp>(op)) {
    if (op->getNumOperands() != 0)
      return op->emitOpError("has no simulation: expected all threads of the "
                             "block and no number");
    call(op, SIM_CALL(barrier), Type(), ValueRange());
    op->erase();
  } else if (auto sync = dyn_cast<NVVM::SyncWarpOp>(op)) {
    call(op, SIM_CALL(sync_warp), Type(), {sync.getMask()});
    op->erase();
  } else if (isa<LLVM::FPTruncOp, LLVM::FPExtOp>(op)) {
    rewriteConversion(op);
  } else if (auto product = dyn_cast<LLVM::FMulOp>(op)) {
    rewriteProduct(product);
  } else if (auto copy = dyn_cast<NVVM::CpAsyncOp>(op)) {
    rewriteCopy(copy);
  } else if (isa<NVVM::CpAsyncCommitGroupOp>(op)) {
    call(op, SIM_CALL(commit_copies), Type(), ValueRange());
    op->erase();
  } else if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op)) {
    call(op, SIM_CALL(wait_copies), Type(), {i32(wait.getN())});
    op->erase();
  } else if (auto load = dyn_cast<NVVM::LdMatrixOp>(op)) {
    return rewriteLoadMatrix(load);
  } else if (auto multiply = dyn_cast<NVVM::MmaOp>(op)) {
    return rewriteMultiply(multiply);
  } else if (auto redux = dyn_cast<NVVM::ReduxOp>(op)) {
    return rewriteRedux(redux);
  } else if (auto match = dyn_cast<NVVM::MatchSyncOp>(op)) {
    return rewriteMatch(match);
  } else {
    return rewriteAsync(op);
  }
  return success();
}

/// bf16 in terms of its bits: not every CPU converts, and a library that LLVM
/// would call may be absent. Other conversions stay.
void SimFunction::rewriteConversion(Operation *op) {
  Value from = op->getOperand(0);
  Type to = op->getResult(0).getType();
  auto like = [&](Type shape, unsigned bits) -> Type {
    Type integer = b.getIntegerType(bits);
    auto vector = dyn_cast<VectorType>(shape);
    return vector ? Type(vector.cloneWith({}, integer)) : integer;
  };
  auto number = [&](Type type, int64_t value) -> Value {
    auto element = b.getIntegerAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      return LLVM::ConstantOp::create(b, type,
                                      DenseElementsAttr::get(vector, element.getValue()));
    return LLVM::ConstantOp::create(b, type, element);
  };
  Type words = like(to, 32), halves = like(to, 16);
  if (getElementTypeOrSelf(from.getType()).isBF16()) {
    Value bits = LLVM::BitcastOp::create(b, halves, from);
    Value wide = LLVM::ZExtOp::create(b, words, bits);
    wide = LLVM::ShlOp::create(b, wide, number(words, 16));
    return replace(op, LLVM::BitcastOp::create(b, to, wide));
  }
  if (!getElementTypeOrSelf(to).isBF16())
    return;
  // To nearest, ties to even; a NaN stays one.
  Value bits = LLVM::BitcastOp::create(b, words, from);
  Value odd = LLVM::AndOp::create(
      b, LLVM::LShrOp::create(b, bits, number(words, 16)), number(words, 1));
  Value rounded = LLVM::AddOp::create(
      b, bits, LLVM::AddOp::create(b, odd, number(words, 0x7fff)));
  Value quiet = LLVM::OrOp::create(b, bits, number(words, 1 << 22));
  Value nan = LLVM::FCmpOp::create(b, LLVM::FCmpPredicate::uno, from, from);
  rounded = LLVM::SelectOp::create(b, nan, quiet, rounded);
  Value top = LLVM::TruncOp::create(
      b, halves, LLVM::LShrOp::create(b, rounded, number(words, 16)));
  replace(op, LLVM::BitcastOp::create(b, to, top));
}

/// bf16 by way of f32, in which a product of two has a place for every bit.
void SimFunction::rewriteProduct(LLVM::FMulOp op) {
  Type type = op.getType(), wide = b.getF32Type();
  if (!getElementTypeOrSelf(type).isBF16())
    return;
  if (auto vector = dyn_cast<VectorType>(type))
    wide = vector.cloneWith({}, wide);
  auto left = LLVM::FPExtOp::create(b, wide, op.getLhs());
  auto right = LLVM::FPExtOp::create(b, wide, op.getRhs());
  Value product = LLVM::FMulOp::create(b, left, right);
  auto rounded = LLVM::FPTruncOp::create(b, type, product);
  replace(op, rounded);
  for (Operation *conversion : {left.getOperation(), right.getOperation(),
                                rounded.getOperation()}) {
    b.setInsertionPoint(conversion);
    rewriteConversion(conversion);
  }
}

LogicalResult SimFunction::run() {
  // Host memory has one address space.
  AttrTypeReplacer spaces;
  spaces.addReplacement([&](LLVM::LLVMPointerType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  spaces.recursivelyReplaceElementsIn(function, /*replaceAttrs=*/true,
                                      /*replaceLocs=*/false,
                                      /*replaceTypes=*/true);
  SmallVector<Operation *> ops;
  llvm::DenseMap<OperationName, int64_t> counts;
  function.getBody().walk([&](Operation *op) {
    ordinals[op] = ++counts[op->getName()];
    auto local = [](Operation *op) {
      if (auto load = dyn_cast<LLVM::LoadOp>(op))
        return isLocal(load.getAddr());
      auto store = dyn_cast<LLVM::StoreOp>(op);
      return store && isLocal(store.getAddr());
    };
    if (!local(op))
      ops.push_back(op);
  });
  takeParameters();
  announceSums();
  for (Operation *op : ops)
    if (failed(rewrite(op)))
      return failure();
  return success();
}

/// The kernel's own parameters become reads of `parameters`.
void SimFunction::takeParameters() {
  Block &entry = function.getBody().front();
  b.setInsertionPointToStart(&entry);
  SmallVector<BlockArgument> old(entry.getArguments());
  entry.insertArgument(0u, pointer(), b.getLoc());
  Value parameters = entry.insertArgument(1u, pointer(), b.getLoc());
  for (auto [i, argument] : llvm::enumerate(old))
    argument.replaceAllUsesWith(
        field(parameters, int32_t(i), argument.getType()));
  entry.eraseArguments(2, old.size());
  function.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {pointer(), pointer()}));
}

/// A host function `sim_T_K` with the kernel's body.
LLVM::LLVMFuncOp NVVMToSim::copyToHost(LLVM::LLVMFuncOp kernel,
                                       StringRef target) {
  OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
  std::string name = ("sim_" + target + "_" + kernel.getSymName()).str();
  auto copy = LLVM::LLVMFuncOp::create(b, kernel.getLoc(), name,
                                       kernel.getFunctionType());
  IRMapping map;
  kernel.getBody().cloneInto(&copy.getBody(), map);
  return copy;
}

/// Those of an earlier run: a dump's GPU functions may have been edited since.
void NVVMToSim::eraseOld() {
  for (Operation &op :
       llvm::make_early_inc_range(*getOperation().getBody()))
    if (auto symbol = dyn_cast<SymbolOpInterface>(op);
        symbol && (symbol.getName().starts_with("sim_") ||
                   symbol.getName().starts_with("site_")))
      op.erase();
}

void NVVMToSim::runOnOperation() {
  eraseOld();
  llvm::StringMap<std::string> sites;
  SmallVector<gpu::GPUModuleOp> modules(
      getOperation().getOps<gpu::GPUModuleOp>());
  for (gpu::GPUModuleOp module : modules) {
    SmallVector<LLVM::LLVMFuncOp> kernels(module.getOps<LLVM::LLVMFuncOp>());
    for (LLVM::LLVMFuncOp kernel : kernels) {
      if (!kernel->hasAttr(kKernelAttr)) {
        kernel.emitOpError("@") << kernel.getSymName()
                              << " is not a kernel: device code calls nothing";
        return signalPassFailure();
      }
      auto copy = copyToHost(kernel, module.getName());
      if (failed(SimFunction(copy, kernel.getSymName(), getOperation(), sites)
                     .run()))
        return signalPassFailure();
    }
  }
}
