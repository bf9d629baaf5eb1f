//===- BraidBase.td - the braid dialect, its types and attributes ---------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_DIALECT_BRAIDBASE_TD
#define BRAID_DIALECT_BRAIDBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/OpBase.td"

def Braid_Dialect : Dialect {
  let name = "braid";
  let cppNamespace = "::braid";
  let summary = "hybrid Mamba-2 / attention / latent-MoE language models";
  let description = [{
    Four ideas carry the dialect.

    *Rows.* Activations are `tensor<?xHxT>`: one row per token, the tokens of
    all sequences packed one after another. There is no batch dimension.

    *Batch.* `!braid.batch` says which rows belong to which sequence. Only ops
    that look across rows take it.

    *State is a value.* One pool per state kind for the whole model,
    `tensor<LxSx...>` (layers of that kind x slots x ...). An op takes the whole
    pool and its layer's ordinal and gives the updated pool back.

    *Storage is an encoding.* A weight is logically `tensor<NxKxbf16>`; how the
    checkpoint stores it is its encoding, `#braid.storage<nvfp4>`.

    Every compute op is in destination style: `outs` are the tensors that the
    results replace. The same ops exist on memrefs once a module is bufferized.

    Constraints of all compute ops: (dps_c1) operands are all tensors or all
    memrefs; (dps_c2) on tensors the results have the types of the inits, on
    memrefs there are none.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// `valueName` is what a dump calls values of the type.
class Braid_Type<string name, string typeMnemonic, string valueName>
    : TypeDef<Braid_Dialect, name, [OpAsmTypeInterface]> {
  let mnemonic = typeMnemonic;
  let extraClassDeclaration = [{
    void getAsmName(::mlir::OpAsmSetNameFn setName) const {
      setName("}] # valueName # [{");
    }
  }];
}

def Braid_BatchType : Braid_Type<"Batch", "batch", "batch"> {
  let summary = "which rows of a step belong to which sequence";
  let description = [{
    For each sequence of the step: its row range, the position of its first
    row, and the slot of every state pool that is its own. At run time it is the
    `braid_step` structure of the ABI.
  }];
}

def Braid_ContextType : Braid_Type<"Context", "context", "step"> {
  let summary = "the running step: arena, weight table, services";
  let description = [{
    Added to every function by `plan-arena`, at the end of the kernel phase. At
    run time it is a pointer to the `braid_step` structure of the ABI.
  }];
}

def Braid_TensorMapType : Braid_Type<"TensorMap", "tensor_map", "map"> {
  let summary = "rows in global memory of which a kernel copies tiles";
  let description = [{
    Made by `braid.tensor_map` on the host, passed to a kernel, and read there by
    `nvvm.cp.async.bulk.tensor`. At run time it is a pointer to the
    `braid_tensor_map` structure of the ABI, and on a GPU to what its driver has
    made of it.
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// The one place that says in which order `@step` takes its arguments.
def Braid_StepArgument : I32EnumAttr<"StepArgument",
    "what `@step` takes; the pools come last, in the order of the state plan", [
      I32EnumAttrCase<"Ids", 0, "ids">,
      I32EnumAttrCase<"Batch", 1, "batch">,
      I32EnumAttrCase<"OutputRows", 2, "output_rows">,
      I32EnumAttrCase<"Temperatures", 3, "temperatures">,
      I32EnumAttrCase<"Keys", 4, "keys">,
      I32EnumAttrCase<"Logits", 5, "logits">,
      I32EnumAttrCase<"Chosen", 6, "chosen">,
      I32EnumAttrCase<"Hidden", 7, "hidden">,
      I32EnumAttrCase<"Pool", 8, "pool">]> {
  let cppNamespace = "::braid";
  let genSpecializedAttr = 0;
}

def Braid_StorageKind : I32EnumAttr<"StorageKind",
    "how a checkpoint stores a weight", [
      I32EnumAttrCase<"F32", 0, "f32">,
      I32EnumAttrCase<"BF16", 1, "bf16">,
      I32EnumAttrCase<"F16", 2, "f16">,
      I32EnumAttrCase<"FP8", 3, "fp8">,
      I32EnumAttrCase<"NVFP4", 4, "nvfp4">]> {
  let cppNamespace = "::braid";
  let genSpecializedAttr = 0;
}

def Braid_StorageAttr : AttrDef<Braid_Dialect, "Storage", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "storage";
  let summary = "how the checkpoint stores a weight (a tensor encoding)";
  let description = [{
    | kind | tensors | value |
    |---|---|---|
    | `f32`, `bf16`, `f16` | `X` | as stored |
    | `fp8` | `X.weight` E4M3 [N,K], `X.weight_scale` F32 [] | `weight * scale` |
    | `nvfp4` | `X.weight` U8 [N,K/2] (low nibble first), `X.weight_scale` E4M3 [N,K/16], `X.weight_scale_2` F32 [] | `e2m1 * (weight_scale * weight_scale_2)` |

    Constraints: (storage_c1) the tensor's element type is the stored one, bf16
    for `fp8` and `nvfp4`; (storage_c2) `fp8` and `nvfp4` store matrices and
    stacks of them, `nvfp4` with K a multiple of 16.
  }];
  let parameters = (ins EnumParameter<Braid_StorageKind>:$kind);
  let assemblyFormat = "`<` $kind `>`";
}

def Braid_PoolAttr : AttrDef<Braid_Dialect, "Pool"> {
  let mnemonic = "pool";
  let summary = "one state pool: its name and type";
  let description = [{
    The type is `LxSx...`: dimension 0 counts the layers of the kind, dimension
    1 is dynamic (slots); a further dynamic dimension is the context length.

    Constraints: (pool_c1) the name is not empty; (pool_c2) the type is
    `LxSx...`; (pool_c3) at most one further dimension is dynamic.
  }];
  let parameters = (ins StringRefParameter<"name">:$name,
                        "::mlir::RankedTensorType":$type);
  let assemblyFormat = "`<` $name `,` $type `>`";
  let genVerifyDecl = 1;
}

def Braid_StatePlanAttr : AttrDef<Braid_Dialect, "StatePlan"> {
  let mnemonic = "state_plan";
  let summary = "all state of a sequence, the one source of its sizes";
  let description = [{
    Constraints: (plan_c1) no two pools have one name.
  }];
  let parameters = (ins OptionalArrayRefParameter<"PoolAttr">:$pools);
  let assemblyFormat = "`<` `[` (`]`) : ($pools^ `]`)? `>`";
  let genVerifyDecl = 1;
}

def Braid_ScheduleAttr : AttrDef<Braid_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how one kernel is to be emitted";
  let description = [{
    Chosen by one pass, read by the emitters, gone when they are done.
    `reference` asks for the op's definition as plain loops. `vector` states the
    lanes of an f32 vector, `rows` the rows of a contraction tile, `dot` how
    products are formed (`fma`: f32 multiply-add; `bf16`: pairs of bf16 into f32,
    `vdpbf16ps`).

    Constraints: (schedule_c1) the strategy is `reference` or `vector`;
    (schedule_c2) `dot` is `fma` or `bf16`; (schedule_c3) lanes is a power of
    two from 1 to 32, the outputs of a panel, and rows is from 1 to 64;
    (schedule_c4) `reference` has one lane, one row and `fma`; (schedule_c5)
    `bf16` has the 4, 8 or 16 lanes that `vdpbf16ps` has.
  }];
  let parameters = (ins StringRefParameter<"strategy">:$strategy,
                        "int64_t":$lanes,
                        "int64_t":$rows,
                        StringRefParameter<"how products are formed">:$dot);
  let assemblyFormat =
      "`<` $strategy `,` `lanes` `=` $lanes `,` `rows` `=` $rows `,` `dot` `=` $dot `>`";
  let genVerifyDecl = 1;
}

def Braid_GPUScheduleAttr : AttrDef<Braid_Dialect, "GPUSchedule"> {
  let mnemonic = "gpu_schedule";
  let summary = "how one kernel is to be emitted for a GPU";
  let description = [{
    Chosen by one pass, read by the emitters, gone when they are done.
    `reference` asks for the op's definition as plain loops on a single thread;
    `simt` for threads that each compute elements in f32; `gemv`, of a
    contraction, for kernels that read the weights once for up to 8 rows, and
    `simt` for more rows; `mma` for tensor cores, in a contraction above 8 rows
    only; `wgmma`, of a contraction, for those of sm_90a, and `mma` for fewer
    rows. `threads` are those of a block, `blocks` how many blocks a
    multiprocessor should hold at least, which bounds the registers of a thread.
    In a contraction `tile` = [rows, outputs, blocks] is what a block of tensor
    cores computes if there are that many blocks, instead of 64 x 64.

    Constraints: (gpu_schedule_c1) the strategy is `reference`, `simt`, `gemv`,
    `mma` or `wgmma`;
    (gpu_schedule_c2) threads is a multiple of 32 up to 1024, and 1 for
    `reference`; (gpu_schedule_c3) blocks is from 1 to 32; (gpu_schedule_c4) a
    tile is for `mma`: 64 or 128 rows, 64 or 128 outputs, and 0 or more blocks;
    and for `wgmma`, which has to have one: the same, of 256 outputs.
  }];
  let parameters = (ins StringRefParameter<"strategy">:$strategy,
                        "int64_t":$threads, "int64_t":$blocks,
                        OptionalArrayRefParameter<"int64_t">:$tile);
  let builders = [AttrBuilder<(ins "llvm::StringRef":$strategy,
      "int64_t":$threads, "int64_t":$blocks), [{
    return $_get($_ctxt, strategy, threads, blocks,
                 llvm::ArrayRef<int64_t>());
  }]>];
  let assemblyFormat = [{
    `<` $strategy `,` `threads` `=` $threads `,` `blocks` `=` $blocks
    (`,` `tile` `=` `[` $tile^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

#endif // BRAID_DIALECT_BRAIDBASE_TD
