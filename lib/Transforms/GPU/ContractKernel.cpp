//===- ContractKernel.cpp - which kernels contractions become for how many rows
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EmitContract.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace braid;

/// More rows are worth tiles.
static constexpr int64_t kGemvRows = 8;

namespace {

/// Host code chooses by the number of rows, for all of the kernel's contractions
/// at once: they have the same.
class ContractKernel {
public:
  ContractKernel(GPUEmitter &b, Operation *source,
                 ArrayRef<PackedContractOp> ops, CausalConvOp conv)
      : b(b), source(source), conv(conv),
        producer(RowProducer::create(b, source)) {
    for (PackedContractOp op : ops) {
      contractions.emplace_back(b, op);
      contractions.back().rows = contractions[0].rows;
    }
  }

  void emit() { strategyOf(contractions[0]) == "simt" ? many() : upTo(1); }

private:
  static StringRef strategyOf(Contraction &c) {
    return cast<GPUScheduleAttr>(scheduleOf(c.op)).getStrategy();
  }
  void upTo(int64_t rows);
  void few(int64_t rows);
  void many();
  void emitSource();
  void emitConv();
  void begin(size_t number, bool independent, const Twine &part);

  GPUEmitter &b;
  Operation *source; ///< Computes rows that the contractions read, or null.
  CausalConvOp conv; ///< Reads columns of the only contraction, or null.
  std::unique_ptr<RowProducer> producer;
  SmallVector<Contraction> contractions;
};

} // namespace

void ContractKernel::upTo(int64_t rows) {
  if (rows > kGemvRows)
    return many();
  b.when(
      b.le(contractions[0].rows, b.index(rows)), [&] { few(rows); },
      [&] { upTo(2 * rows); });
}

void ContractKernel::begin(size_t number, bool independent,
                           const Twine &part) {
  b.begin(contractions[number].op);
  b.part = part.str();
  if (independent && contractions.size() > 1)
    b.member = number;
}

/// Eight rows beside codes with block scales would not fit the registers: they
/// are two tiles, the second of which finds the weights in the cache.
static int64_t tileRows(const Contraction &c, int64_t rows) {
  return c.layout.hasBlockScales() ? std::min<int64_t>(rows, 4) : rows;
}

void ContractKernel::few(int64_t rows) {
  bool inside = producer && llvm::all_of(contractions, [&](Contraction &c) {
    return tileRows(c, rows) == rows &&
           fitsContractGemv(c, rows, producer.get());
  });
  if (source && !inside)
    emitSource();
  // A row's inputs are the rows before it, which a block has if it has all.
  bool behind = conv && tileRows(contractions[0], rows) == rows;
  for (auto [i, c] : llvm::enumerate(contractions)) {
    begin(i, true, "gemv" + Twine(rows));
    emitContractGemv(c, tileRows(c, rows),
                     {inside ? producer.get() : nullptr, /*publish=*/i == 0,
                      behind ? conv : CausalConvOp()});
  }
  if (!behind)
    emitConv();
}

/// Those of one input have tiles of the same rows.
void ContractKernel::many() {
  if (source)
    emitSource();
  bool oneInput = llvm::all_of(contractions, [&](Contraction &c) {
    return c.op.getX() == contractions[0].op.getX();
  });
  for (auto [i, c] : llvm::enumerate(contractions)) {
    begin(i, oneInput, "tiles");
    if (strategyOf(c) == "mma")
      emitContractMma(c, b.schedule.getTile());
    else if (strategyOf(c) == "wgmma")
      emitContractWgmma(c, b.schedule.getTile());
    else
      emitContractTiles(c);
  }
  emitConv();
}

void ContractKernel::emitConv() {
  if (!conv)
    return;
  b.begin(conv);
  b.part = "conv_";
  b.emit(conv);
}

void ContractKernel::emitSource() {
  b.begin(source);
  if (auto norm = dyn_cast<RmsNormOp>(source)) {
    b.part = "norm";
    return b.emit(norm);
  }
  b.part = "combine";
  b.emit(cast<CombineExpertsOp>(source));
}

static LogicalResult verifySchedule(PackedContractOp op) {
  auto schedule = cast<GPUScheduleAttr>(scheduleOf(op));
  if (schedule.getThreads() != kContractThreads)
    return op.emitOpError("expected a schedule of ")
           << kContractThreads << " threads, found " << schedule.getThreads();
  StringRef strategy = schedule.getStrategy();
  if (strategy == "mma" && schedule.getTile().empty())
    return op.emitOpError("is to use tensor cores, but its schedule has no "
                          "tile");
  if (strategy == "mma" && !Contraction::fitsTensorCores(op))
    return op.emitOpError("expected bf16, and rows of x at even places, for "
                          "tensor cores");
  auto layout = PackedLayout::of(
      op.getWeight().getType(),
      cast<MemRefType>(op.getX().getType()).getShape().back());
  if (strategy != "mma" && strategy != "wgmma" && layout && layout->isCoded())
    return op.emitOpError("has coded weights, which only tensor cores multiply "
                          "above 8 rows: expected the strategy mma or wgmma");
  auto target = op->getParentOp()->getAttrOfType<StringAttr>(kTargetAttr);
  if (strategy == "wgmma" && (!target || target.getValue() != "sm_90a"))
    return op.emitOpError("is to use wgmma, which sm_90a alone has");
  if (strategy == "wgmma" && !Contraction::fitsTiles(op))
    return op.emitOpError("expected bf16, and rows of x at multiples of 16 "
                          "bytes, for wgmma");
  return success();
}

/// Whether a block that writes columns of `contract` has inputs of `conv`, as
/// far as types can say.
static LogicalResult verifyConv(CausalConvOp conv,
                                ArrayRef<PackedContractOp> contractions) {
  PackedContractOp contract = contractions[0];
  auto x = cast<MemRefType>(conv.getX().getType());
  auto y = cast<MemRefType>(contract.getInit().getType());
  auto [strides, offset] = x.getStridesAndOffset();
  if (contractions.size() == 1 && contract.getGroups().empty() &&
      y.getLayout().isIdentity() && !ShapedType::isDynamic(offset) &&
      strides[0] == y.getDimSize(1) && strides[1] == 1 &&
      offset + x.getDimSize(1) <= y.getDimSize(1))
    return success();
  return conv.emitOpError("in one kernel with contractions: expected one, of "
                          "which it reads columns");
}

LogicalResult braid::emitContractions(GPUEmitter &b,
                                      ArrayRef<Operation *> ops) {
  Operation *source = isa<PackedContractOp>(ops[0]) ? nullptr : ops[0];
  auto conv = dyn_cast<CausalConvOp>(ops.back());
  SmallVector<PackedContractOp> contractions;
  if (source && !isa<RmsNormOp, CombineExpertsOp>(source))
    return source->emitOpError("has no GPU emitter in front of others in one "
                               "kernel");
  for (Operation *op : ops.drop_front(source ? 1 : 0).drop_back(conv ? 1 : 0)) {
    auto contract = dyn_cast<PackedContractOp>(op);
    if (!contract)
      return op->emitOpError("has no GPU emitter behind ")
             << ops[0]->getName() << " in one kernel";
    contractions.push_back(contract);
    if (failed(verifySchedule(contractions.back())))
      return failure();
  }
  if (conv && failed(verifyConv(conv, contractions)))
    return failure();
  ContractKernel(b, source, contractions, conv).emit();
  return success();
}
