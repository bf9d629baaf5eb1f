//===- Bufferization.cpp - how braid ops become memref ops
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "braid/Dialect/Braid.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace braid;

namespace {

/// A compute op keeps its name: the same op on the buffers of its operands.
template <typename OpTy>
struct ComputeOpModel
    : DstBufferizableOpInterfaceExternalModel<ComputeOpModel<OpTy>, OpTy> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto dps = cast<DestinationStyleOpInterface>(op);
    if (!dps.hasPureTensorSemantics())
      return success();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    OperationState onBuffers(op->getLoc(), op->getName(), operands, TypeRange(),
                             op->getAttrs());
    for (Region &region : op->getRegions())
      onBuffers.addRegion()->takeBody(region);
    rewriter.setInsertionPoint(op);
    Operation *created = rewriter.create(onBuffers);
    auto inits = cast<DestinationStyleOpInterface>(created).getDpsInits();
    replaceOpWithBufferizedValues(rewriter, op, SmallVector<Value>(inits));
    return success();
  }
};

/// A weight is read from the table and never written.
struct ParamModel
    : BufferizableOpInterface::ExternalModel<ParamModel, ParamOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    auto param = cast<ParamOp>(op);
    auto type = dyn_cast<RankedTensorType>(param.getType());
    if (!type)
      return success();
    if (type.getEncoding())
      return op->emitOpError("has a storage encoding that materialize-storage "
                             "left behind");
    replaceOpWithNewBufferizedOp<ParamOp>(
        rewriter, op, MemRefType::get(type.getShape(), type.getElementType()),
        param.getWeight(), param.getLayer());
    return success();
  }
};

} // namespace

template <typename... Ops> static void attachAll(MLIRContext *context) {
  (Ops::template attachInterface<ComputeOpModel<Ops>>(*context), ...);
}

void braid::registerBufferizableOpInterface(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, BraidDialect *) {
    attachAll<GatherRowsOp, RmsNormOp, CausalConvOp, SsdScanOp, AttentionOp,
              RouteOp, ExpertsOp, GroupRowsOp, CombineExpertsOp,
              PackedContractOp, SampleOp, TapOp>(context);
    ParamOp::attachInterface<ParamModel>(*context);
  });
}
