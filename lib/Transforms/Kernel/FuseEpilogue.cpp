//===- FuseEpilogue.cpp - moves elementwise consumers into contractions
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

namespace braid {
#define GEN_PASS_DEF_FUSEEPILOGUE
#include "braid/Transforms/Passes.h.inc"
} // namespace braid

using namespace mlir;
using namespace braid;

/// All loops parallel, every operand read at the element itself or, if it has
/// one dimension, at the element's column.
static bool isElementwise(linalg::GenericOp generic) {
  if (generic.getNumLoops() != 2 || generic.getNumDpsInits() != 1 ||
      generic.getNumParallelLoops() != 2)
    return false;
  AffineExpr column = getAffineDimExpr(1, generic.getContext());
  return llvm::all_of(generic.getIndexingMapsArray(), [&](AffineMap map) {
    return map.isIdentity() ||
           (map.getNumResults() == 1 && map.getResult(0) == column);
  });
}

/// The input of `generic` that is a contraction with no other user, or null.
/// A contraction that already updates its destination cannot get another one.
static OpOperand *findContraction(linalg::GenericOp generic) {
  for (OpOperand *input : generic.getDpsInputOperands()) {
    auto producer = input->get().getDefiningOp<PackedContractOp>();
    if (!producer || !producer->hasOneUse() || !producer.getGroups().empty())
      continue;
    if (producer.getEpilogue().front().getArguments().back().use_empty())
      return input;
  }
  return nullptr;
}

/// Producer's epilogue, then the consumer's body, in one region with the
/// arguments (acc, producer's extras, consumer's other inputs, old element).
static void buildJoined(PackedContractOp joined, PackedContractOp producer,
                        linalg::GenericOp consumer, OpOperand *link) {
  Location loc = joined.getLoc();
  Block &body = joined.getEpilogue().emplaceBlock();
  OpBuilder b = OpBuilder::atBlockEnd(&body);
  IRMapping map;
  Block &first = producer.getEpilogue().front();
  for (BlockArgument argument : first.getArguments().drop_back())
    map.map(argument, body.addArgument(argument.getType(), loc));
  for (Operation &op : first.without_terminator())
    b.clone(op, map);
  Value result =
      map.lookupOrDefault(first.getTerminator()->getOperand(0));

  Block &second = *consumer.getBlock();
  map.map(consumer.getMatchingBlockArgument(link), result);
  for (OpOperand *input : consumer.getDpsInputOperands())
    if (input != link) {
      BlockArgument argument = consumer.getMatchingBlockArgument(input);
      map.map(argument, body.addArgument(argument.getType(), loc));
    }
  BlockArgument old = second.getArguments().back();
  map.map(old, body.addArgument(old.getType(), loc));
  for (Operation &op : second.without_terminator())
    b.clone(op, map);
  YieldOp::create(b, loc, ValueRange{map.lookupOrDefault(
                              second.getTerminator()->getOperand(0))});
}

static bool fuse(linalg::GenericOp generic) {
  if (!isElementwise(generic))
    return false;
  OpOperand *link = findContraction(generic);
  if (!link)
    return false;
  auto producer = link->get().getDefiningOp<PackedContractOp>();
  SmallVector<Value> extras(producer.getExtras());
  for (OpOperand *input : generic.getDpsInputOperands())
    if (input != link)
      extras.push_back(input->get());
  Value init = generic.getDpsInits()[0];
  OpBuilder b(generic);
  auto joined = PackedContractOp::create(
      b, producer.getLoc(), TypeRange{init.getType()}, producer.getX(),
      producer.getWeight(), extras, ValueRange(), init, UnitAttr());
  buildJoined(joined, producer, generic, link);
  generic->replaceAllUsesWith(joined);
  generic.erase();
  producer.erase();
  return true;
}

namespace {
class FuseEpilogue : public braid::impl::FuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk(
        [&](linalg::GenericOp generic) { generics.push_back(generic); });
    for (linalg::GenericOp generic : generics)
      if (fuse(generic))
        ++numFused;
  }
};
} // namespace
