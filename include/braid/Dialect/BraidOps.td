//===- BraidOps.td - the ops of the braid dialect -------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dimensions: T rows of the step, H hidden, nh heads, P head dim, G groups, N
// state size, K taps of the convolution, L layers of a kind, S slots, C context,
// E experts, k experts per row, X expert in/out width, I expert inner width.
// A label such as (scan_c1) names a constraint in the description, in the
// verifier's message and in the test.
//===----------------------------------------------------------------------===//
#ifndef BRAID_DIALECT_BRAIDOPS_TD
#define BRAID_DIALECT_BRAIDOPS_TD

include "braid/Dialect/BraidBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Braid_Shaped : AnyTypeOf<[AnyRankedTensor, AnyMemRef], "tensor or memref">;

class Braid_Op<string mnemonic, list<Trait> traits = []>
    : Op<Braid_Dialect, mnemonic, traits>;

/// A compute op in destination style: its last `inits` operands are written. On
/// tensors it has one result per init, on memrefs none. `names` are what a dump
/// calls the results, separated by commas.
class Braid_ComputeOp<string mnemonic, int inits, string names,
                      list<Trait> traits = []>
    : Braid_Op<mnemonic, traits # [DestinationStyleOpInterface,
                                   MemoryEffectsOpInterface,
                                   OpAsmOpInterface]> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  code computeMethods = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(
          getOperation(), getOperation()->getNumOperands() - }] # inits # [{, }] # inits # [{);
    }
    void getEffects(::llvm::SmallVectorImpl<
        ::mlir::MemoryEffects::EffectInstance> &effects) {
      ::braid::detail::getComputeEffects(*this, effects);
    }
    void getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      ::braid::detail::nameResults(*this, "}] # names # [{", setName);
    }
  }];
  let extraClassDeclaration = computeMethods;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def Braid_ParamsOp : Braid_Op<"params", [Symbol, SymbolTable, NoTerminator,
    SingleBlock, NoRegionArguments]> {
  let summary = "the weights of one block signature, for all its layers";
  let description = [{
    Holds one `braid.weight` per weight. `layers[i]` is the checkpoint's layer
    number of instance i; `[-1]` for weights that belong to the whole model.
    `table` is the index of the first weight's first instance in the step's
    weight table, set by `materialize-storage`.

    Constraints: (params_c1) `layers` is `[-1]` or ascending from 0 on, and not
    empty; (params_c2) the body holds weights only; (params_c3) `{L}` is in each
    source exactly if `layers` is not `[-1]`.

    ```mlir
    braid.params @moe0 layers = [1, 4, 6] {
      braid.weight @norm from "backbone.layers.{L}.norm.weight" : tensor<64xbf16, #braid.storage<bf16>>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DenseI64ArrayAttr:$layers);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat =
      "$sym_name `layers` `=` $layers attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Braid_WeightOp : Braid_Op<"weight", [Symbol, HasParent<"ParamsOp">]> {
  let summary = "one weight: its name in the checkpoint and its type";
  let description = [{
    `source` is the tensor's name, `{L}` standing for the layer and `{E}` for
    the expert; a storage with several tensors (`fp8`, `nvfp4`) names the
    module. The type is logical, with the storage as encoding; a stack of
    experts has the experts as dimension 0, and `stacked` says that the
    checkpoint holds them in one tensor. `transform` is applied on the way in:
    `neg_exp` is -exp(v) in f32, for A_log; `transpose` reads the stored matrix
    [columns, 1, rows], as depthwise convolutions are stored.

    `packed` and `table` are set by `materialize-storage`: the type that kernels
    read, and the weight's first index in the step's weight table.

    Constraints: (weight_c1) the type is static and has a `#braid.storage`
    encoding; (weight_c2) `{E}` is in the name exactly if the type is a stack
    that the checkpoint does not hold in one tensor; (weight_c3) `transform` is
    `neg_exp`, or `transpose` of a matrix in one tensor (not `fp8`, `nvfp4`).
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$source,
      TypeAttrOf<AnyRankedTensor>:$type, UnitAttr:$stacked,
      OptionalAttr<StrAttr>:$transform, OptionalAttr<StrAttr>:$init,
      OptionalAttr<TypeAttr>:$packed, OptionalAttr<I64Attr>:$table,
      OptionalAttr<FlatSymbolRefAttr>:$prepare);
  let assemblyFormat = [{
    $sym_name `from` $source (`stacked` $stacked^)? (`transform` $transform^)?
    (`init` $init^)? (`packed` $packed^)? (`table` $table^)?
    (`prepare` $prepare^)? attr-dict `:` $type
  }];
  let hasVerifier = 1;
}

def Braid_ParamOp : Braid_Op<"param", [Pure, OpAsmOpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "reads a weight of one layer";
  let description = [{
    `@params::@weight[%layer]`: instance `%layer` of a weight. The result is
    never written to.

    Constraints: (param_c1) the symbol is a `braid.weight`; (param_c2) the result
    has the weight's type, or its packed type once it has one.

    ```mlir
    %norm = braid.param @moe0::@norm[%layer] : tensor<64xbf16, #braid.storage<bf16>>
    ```
  }];
  let arguments = (ins SymbolRefAttr:$weight, Index:$layer);
  let results = (outs Braid_Shaped:$result);
  let assemblyFormat = "$weight `[` $layer `]` attr-dict `:` type($result)";
  let extraClassDeclaration = [{
    /// The declaration, or null if the module has none of that name.
    WeightOp getDeclaration();
    void getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      setName(getResult(), getWeight().getLeafReference());
    }
  }];
}

//===----------------------------------------------------------------------===//
// Row-wise ops
//===----------------------------------------------------------------------===//

def Braid_GatherRowsOp : Braid_ComputeOp<"gather_rows", 1, "rows"> {
  let summary = "rows of a table, by index";
  let description = [{
    `y[t, :] = table[ids[t], :]`, ids [T], table [V, H], y [T, H].

    Constraints: (gather_c1) `table` and `y` have the same width; (gather_c2)
    ids are i32 of rank 1.

    ```mlir
    %y = braid.gather_rows ins(%ids, %table :
        tensor<?xi32>, tensor<300x72xbf16>) outs(%e : tensor<?x72xbf16>) -> tensor<?x72xbf16>
    ```
  }];
  let arguments = (ins Braid_Shaped:$ids, Braid_Shaped:$table, Braid_Shaped:$init);
  let assemblyFormat = [{
    `ins` `(` $ids `,` $table `:` type($ids) `,` type($table) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
}

def Braid_RmsNormOp : Braid_ComputeOp<"rms_norm", 1, "norm"> {
  let summary = "root-mean-square norm, optionally gated, per group";
  let description = [{
    `v = f32(x)`, with a gate `v = f32(x) * silu(f32(z))`; per group of
    `width / groups` columns `n = v * rsqrt(mean(v^2) + eps)`;
    `y = r(w * r(n))`, r rounding to the type of y. x, z, y [T, width]; w
    [width] f32.

    Constraints: (norm_c1) x, z, y agree in width, w is [width] f32;
    (norm_c2) `groups` divides the width; (norm_c3) eps > 0.

    ```mlir
    %y = braid.rms_norm ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>)
        outs(%out : tensor<?x64xf32>) {eps = 1.0e-5} -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$x, Braid_Shaped:$weight,
      Optional<Braid_Shaped>:$gate, Braid_Shaped:$init, F64Attr:$eps,
      DefaultValuedAttr<I64Attr, "1">:$groups);
  let assemblyFormat = [{
    `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Ops that look across rows
//===----------------------------------------------------------------------===//

def Braid_CausalConvOp : Braid_ComputeOp<"causal_conv", 2, "conv,conv_pool"> {
  let summary = "causal depthwise convolution with SiLU, over each sequence";
  let description = [{
    `y[t,c] = silu(b[c] + sum_j w[j,c] * x[t-(K-1)+j, c])`, sums in f32 from the
    bias on, oldest tap first; rows before the first of this step come from the
    pool, before position 0 they are zero. The pool keeps the last K-1 rows
    of x. x, y [T, Dc]; w [K, Dc] f32; b [Dc] f32; pool [L, S, K-1, Dc].

    Constraints: (conv_c1) x, y, w, b and pool agree in channels; (conv_c2) the
    pool holds K-1 rows; (conv_c3) the pool has the element type of x.

    ```mlir
    %y, %next = braid.causal_conv ins(%x, %w :
        tensor<?x96xbf16>, tensor<4x96xf32>) bias(%b : tensor<96xf32>)
        batch(%batch) layer(%layer)
        outs(%out, %pool : tensor<?x96xbf16>, tensor<6x?x3x96xbf16>)
        -> tensor<?x96xbf16>, tensor<6x?x3x96xbf16>
    ```
  }];
  let arguments = (ins Braid_Shaped:$x, Braid_Shaped:$weight,
      Optional<Braid_Shaped>:$bias, Braid_BatchType:$batch, Index:$ordinal,
      Braid_Shaped:$init, Braid_Shaped:$pool);
  let assemblyFormat = [{
    `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `batch` `(` $batch `)` `layer` `(` $ordinal `)`
    `outs` `(` $init `,` $pool `:` type($init) `,` type($pool) `)` attr-dict
    (`->` type($results)^)?
  }];
}

def Braid_SsdScanOp : Braid_ComputeOp<"ssd_scan", 2, "scan,ssm_pool"> {
  let summary = "the Mamba-2 state-space scan, over each sequence";
  let description = [{
    For head h of group g = h / (nh/G), all in f32:
    `d = clamp(softplus(dt + dt_bias[h]), dt_min, dt_max)`;
    `S_t = exp(d A[h]) S_{t-1} + B_t[g] outer (d x_t)`;
    `y_t = C_t[g] S_t + D[h] x_t`.
    x, y [T, nh*P]; dt [T, nh]; B, C [T, G*N]; A, D, dt_bias [nh] f32; pool
    [L, S, nh, N, P]: the state after the sequence's last row. With `chunk` = Q
    prefill may use the chunked matrix form, cut at multiples of Q of the
    absolute position. Where x is bf16, that form on tensor cores rounds to bf16
    what it multiplies: C B^T with decay and d, the state that y reads, and B with
    decay and d; sums and the state that is kept stay f32.

    Constraints: (scan_c1) x and y are [T, nh*P] for the pool's nh and P;
    (scan_c2) B and C are [T, G*N] for the pool's N and a G that divides nh;
    (scan_c3) dt is [T, nh], A, D, dt_bias are [nh] f32; (scan_c4) chunk > 0;
    (scan_c5) dt_min <= dt_max.

    ```mlir
    %y, %next = braid.ssd_scan ins(%x, %dt, %head, %bc, %bc, %head, %head :
        tensor<?x256xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<8xf32>, tensor<8xf32>)
        batch(%batch) layer(%layer)
        outs(%out, %pool : tensor<?x256xf32>, tensor<6x?x8x16x32xf32>) {chunk = 64, dt_min = 0.001, dt_max = 0.1}
        -> tensor<?x256xf32>, tensor<6x?x8x16x32xf32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$x, Braid_Shaped:$dt, Braid_Shaped:$a,
      Braid_Shaped:$b, Braid_Shaped:$c, Braid_Shaped:$d, Braid_Shaped:$dt_bias,
      Braid_BatchType:$batch, Index:$ordinal, Braid_Shaped:$init,
      Braid_Shaped:$pool, I64Attr:$chunk, F64Attr:$dt_min, F64Attr:$dt_max);
  let assemblyFormat = [{
    `ins` `(` $x `,` $dt `,` $a `,` $b `,` $c `,` $d `,` $dt_bias `:`
      type($x) `,` type($dt) `,` type($a) `,` type($b) `,` type($c) `,`
      type($d) `,` type($dt_bias) `)`
    `batch` `(` $batch `)` `layer` `(` $ordinal `)`
    `outs` `(` $init `,` $pool `:` type($init) `,` type($pool) `)` attr-dict
    (`->` type($results)^)?
  }];
}

def Braid_AttentionOp : Braid_ComputeOp<"attention", 3, "attention,k_pool,v_pool"> {
  let summary = "causal grouped-query attention over each sequence";
  let description = [{
    Appends k and v of this step to the pools, then for query head i with KV
    head j = i / (nq/nkv): `y_t = softmax(scale * q_t . K_j[0..pos(t)]) V_j`,
    softmax in f32. q, y [T, nq*hd]; k, v [T, nkv*hd]; pools [L, S, nkv, C, hd].
    Where q is bf16, tensor cores take the weights of the softmax, not yet divided
    by their sum, rounded to bf16.

    Constraints: (attention_c1) k and v are [T, nkv*hd] for the pools' nkv and
    hd; (attention_c2) q and y are [T, nq*hd] with nkv dividing nq;
    (attention_c3) both pools have one type; (attention_c4) scale > 0.

    ```mlir
    %y:3 = braid.attention ins(%q, %k, %v : tensor<?x128xf32>, tensor<?x64xf32>, tensor<?x64xf32>)
        batch(%batch) layer(%layer)
        outs(%out, %ks, %vs : tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>) {scale = 0.17677669529663687}
        -> tensor<?x128xf32>, tensor<3x?x2x?x32xf32>, tensor<3x?x2x?x32xf32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$q, Braid_Shaped:$k, Braid_Shaped:$v,
      Braid_BatchType:$batch, Index:$ordinal, Braid_Shaped:$init,
      Braid_Shaped:$k_pool, Braid_Shaped:$v_pool, F64Attr:$scale);
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    `batch` `(` $batch `)` `layer` `(` $ordinal `)`
    `outs` `(` $init `,` $k_pool `,` $v_pool `:` type($init) `,`
      type($k_pool) `,` type($v_pool) `)` attr-dict (`->` type($results)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

def Braid_RouteOp : Braid_ComputeOp<"route", 2, "ids,weights"> {
  let summary = "chooses the experts of each row";
  let description = [{
    `s = sigmoid(l)`, `c = s + bias`; with `groups` > 1 only the `group_k` groups
    with the largest sum of their two best c take part; the k largest c (ties:
    the lower index) are chosen; their weights are s, normalised to sum 1 if
    `normalise`, times `scale`. ids come in ascending order. logits [T, E] f32,
    bias [E] f32, ids [T, k] i32, weights [T, k] f32.

    Canonical form: `groups = 1` where every group takes part.

    Constraints: (route_c1) logits, bias agree in E, all f32; (route_c2) ids i32
    and weights f32 have one shape [T, k], k <= E; (route_c3) groups divides E
    and group_k <= groups; (route_c4) the chosen groups hold at least k experts.

    ```mlir
    %0:2 = braid.route ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>)
        outs(%i, %w : tensor<?x4xi32>, tensor<?x4xf32>) {groups = 4, group_k = 2, normalise, scale = 2.5}
        -> tensor<?x4xi32>, tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$logits, Braid_Shaped:$bias,
      Braid_Shaped:$ids_init, Braid_Shaped:$weights_init,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<I64Attr, "1">:$group_k, UnitAttr:$normalise,
      F64Attr:$scale);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = [{
    `ins` `(` $logits `,` $bias `:` type($logits) `,` type($bias) `)`
    `outs` `(` $ids_init `,` $weights_init `:` type($ids_init) `,`
      type($weights_init) `)` attr-dict (`->` type($results)^)?
  }];
}

def Braid_ExpertsOp : Braid_ComputeOp<"experts", 1, "routed"> {
  let summary = "the routed experts: y = sum_e w_e down_e(relu(up_e x)^2)";
  let description = [{
    Only chosen experts are computed, and only their weights read. x, y [T, X];
    ids, weights [T, k], ids ascending; up [E, I, X]; down [E, X, I]. Products
    accumulate in f32 and are rounded to the type of y after up, after the square
    and after down; the weighted sum over experts is f32 in ascending order,
    rounded once.

    Constraints: (experts_c1) up is [E, I, X] and down [E, X, I]; (experts_c2)
    x and y are [T, X]; (experts_c3) ids and weights are [T, k] i32 and f32.

    ```mlir
    %y = braid.experts ins(%x, %i, %w, %up, %down :
        tensor<?x64xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<16x96x64xbf16, #braid.storage<nvfp4>>, tensor<16x64x96xbf16, #braid.storage<fp8>>)
        outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$x, Braid_Shaped:$ids,
      Braid_Shaped:$weights, Braid_Shaped:$up, Braid_Shaped:$down,
      Braid_Shaped:$init);
  let assemblyFormat = [{
    `ins` `(` $x `,` $ids `,` $weights `,` $up `,` $down `:` type($x) `,`
      type($ids) `,` type($weights) `,` type($up) `,` type($down) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
}

def Braid_GroupRowsOp : Braid_ComputeOp<"group_rows", 3, "order,begin,active"> {
  let summary = "sorts the (row, choice) pairs of a step by expert";
  let description = [{
    Kernel phase. Pair f = t*k + j has expert ids[t, j]. `order` [T, k] lists the
    pairs sorted by (expert, f), flattened; expert e owns the positions
    `begin[e] <= p < begin[e+1]`, begin [E + 1]; `active` [E + 1] holds the
    number of experts with at least one pair, then their numbers, ascending.

    Constraints: (group_c1) all i32; order has the shape of ids; begin and active
    are [E + 1].

    ```mlir
    %0:3 = braid.group_rows ins(%ids : tensor<?x4xi32>)
        outs(%o, %b, %a : tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>)
        -> tensor<?x4xi32>, tensor<17xi32>, tensor<17xi32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$ids, Braid_Shaped:$order,
      Braid_Shaped:$begin, Braid_Shaped:$active);
  let assemblyFormat = [{
    `ins` `(` $ids `:` type($ids) `)` `outs` `(` $order `,` $begin `,` $active
    `:` type($order) `,` type($begin) `,` type($active) `)` attr-dict
    (`->` type($results)^)?
  }];
}

def Braid_CombineExpertsOp : Braid_ComputeOp<"combine_experts", 1, "combined"> {
  let summary = "weighted sum over the chosen experts of a row";
  let description = [{
    Kernel phase. `y[t, :] = r(sum_j weights[t, j] * parts[t, j, :])`, summed in
    f32 in ascending j. parts [T, k, X], weights [T, k] f32, y [T, X].

    Constraints: (combine_c1) the shapes agree.

    ```mlir
    %y = braid.combine_experts ins(%parts, %w : tensor<?x4x64xbf16>, tensor<?x4xf32>)
        outs(%out : tensor<?x64xbf16>) -> tensor<?x64xbf16>
    ```
  }];
  let arguments = (ins Braid_Shaped:$parts, Braid_Shaped:$weights,
      Braid_Shaped:$init);
  let assemblyFormat = [{
    `ins` `(` $parts `,` $weights `:` type($parts) `,` type($weights) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Contractions with packed weights
//===----------------------------------------------------------------------===//

def Braid_PackedContractOp : Braid_ComputeOp<"packed_contract", 1, "product",
    [AttrSizedOperandSegments, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "y = f(x W^T) with a packed weight and a fused epilogue";
  let description = [{
    x [T, K]; weight packed [ceil(N/32), ceil(K/kp), 32, kp], zero beyond N and K,
    or coded; y [T, N]. Products accumulate in f32. The region is the epilogue, applied per
    element: its arguments are the accumulator (f32), one element of each of
    `extras` ([T, N], or [N]: one value per column), and the old element of y;
    it yields the new one.

    With `grouped(order, begin, active)` (see `braid.group_rows`) the weight is
    a stack [E, ...] and the rows are the (row, choice) pairs: x is [T, K] read
    at the pair's row (`gather`), or [T, k, K] read at the sorted position; y
    is [T, k, N], written at the sorted position (`gather`) or back at the pair.

    A coded weight is [ceil(N/32), rows, 32, 4] bytes, a row of a panel being a
    word for each of 32 outputs. Its value is a number that bf16 holds exactly
    times the output's scale, and the scale is applied to the sum: the epilogue's
    accumulator is `scale[n] * sum_k x[t, k] * number[n, k]`, rounded to f32 once
    more. Row 0 has the scales, f32. `f8E4M3FN`: for each 16 inputs follow four
    rows of E4M3, of which row c has inputs 2c, 2c + 8, 2c + 1 and 2c + 9. `i8`:
    rows with the scales of the blocks of 16 inputs follow, E4M3, four blocks in
    each; then two rows of E2M1 for each block, of which row r has inputs 4r,
    4r + 8, 4r + 2, 4r + 10 and those after each of them, low nibbles first. The
    number is the code's times its block's.

    Canonical form: the epilogue uses every extra, and none is there twice.

    Constraints: (contract_c1) the packed weight covers N and K; kp divides K and
    is 1 for weights of f32, 2 for bf16 with bf16 x; weights of `f8E4M3FN` or
    `i8`, with bf16 x, have K a multiple of 16; (contract_c2) the region's arguments are f32,
    the extras' and the output's element types, and it yields the output's;
    (contract_c3) extras are [T, N] or [N].

    ```mlir
    %y = braid.packed_contract ins(%x, %w :
        tensor<?x48xbf16>, tensor<2x24x32x2xbf16>) extras(%bias : tensor<64xf32>)
        outs(%out : tensor<?x64xbf16>) {
    ^bb0(%acc: f32, %b: f32, %old: bf16):
      %sum = arith.addf %acc, %b : f32
      %r = arith.truncf %sum : f32 to bf16
      braid.yield %r : bf16
    } -> tensor<?x64xbf16>
    ```
  }];
  let arguments = (ins Braid_Shaped:$x, Braid_Shaped:$weight,
      Variadic<Braid_Shaped>:$extras, Variadic<Braid_Shaped>:$groups,
      Braid_Shaped:$init, UnitAttr:$gather);
  let regions = (region SizedRegion<1>:$epilogue);
  let hasCanonicalizeMethod = 1;
  let extraClassDeclaration = computeMethods # [{
    /// (acc, extra..., old).
    void getAsmBlockArgumentNames(::mlir::Region &region,
                                  ::mlir::OpAsmSetValueNameFn setName);
  }];
  let assemblyFormat = [{
    `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`extras` `(` $extras^ `:` type($extras) `)`)?
    (`grouped` `(` $groups^ `:` type($groups) `)`)? (`gather` $gather^)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword $epilogue
    (`->` type($results)^)?
  }];
}

def Braid_YieldOp : Braid_Op<"yield", [Pure, Terminator,
    ParentOneOf<["PackedContractOp", "ParallelOp"]>]> {
  let summary = "ends a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}

//===----------------------------------------------------------------------===//
// Sampling
//===----------------------------------------------------------------------===//

def Braid_SampleOp : Braid_ComputeOp<"sample", 1, "chosen"> {
  let summary = "chooses the next token of each row";
  let description = [{
    Temperature 0: `chosen[t]` is the lowest v of those with the largest
    `logits[t, v]`. Above 0 it is the v with the largest `logits[t, v] /
    temperature + g(keys[t], v)`, where the g are independent draws of the Gumbel
    distribution: v is then chosen with probability softmax(logits /
    temperature). Below 0 the row is left as it is.

    g(key, v) = -log(-log1p(-u)), u = ((x >> 1) + 0.5) / 2^31, x = a mixing of
    the 32 bits of `v * 0x9e3779b9 + key`: x ^= x >> 16, x *= 0x7feb352d,
    x ^= x >> 15, x *= 0x846ca68b, x ^= x >> 16.

    A logit that is NaN or +inf wins, and the choice v is then reported as
    -1 - v, as it is where all logits are -inf. logits [T, V] f32; temperatures
    [T] f32; keys [T] i32; chosen [T] i32. Source: Maddison et al. 2014, A* sampling
    (the Gumbel-max trick).

    Constraints: (sample_c1) logits are f32 of rank 2, V is static;
    (sample_c2) the others are of rank 1, f32, i32 and i32.

    ```mlir
    %0 = braid.sample ins(%logits, %temperatures, %keys
        : tensor<?x512xf32>, tensor<?xf32>, tensor<?xi32>)
        outs(%ids : tensor<?xi32>) -> tensor<?xi32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$logits, Braid_Shaped:$temperatures,
      Braid_Shaped:$keys, Braid_Shaped:$chosen);
  let assemblyFormat = [{
    `ins` `(` $logits `,` $temperatures `,` $keys `:` type($logits) `,`
    type($temperatures) `,` type($keys) `)`
    `outs` `(` $chosen `:` type($chosen) `)` attr-dict (`->` type($results)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Inspection
//===----------------------------------------------------------------------===//

def Braid_TapOp : Braid_ComputeOp<"tap", 1, "hidden"> {
  let summary = "copies rows into the hidden-state dump, if one is asked for";
  let description = [{
    `hidden[layer, t, :] = f32(x[t, :])` if the first dimension of `hidden` is
    not 0; if it is 0 statically, the op folds to `hidden`. x [T, H]; hidden
    [taps, T, H] f32.

    Constraints: (tap_c1) the widths agree and hidden is f32 of rank 3.

    ```mlir
    %0 = braid.tap ins(%x : tensor<?x64xbf16>) layer(%layer)
        outs(%dump : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins Braid_Shaped:$x, Index:$layer, Braid_Shaped:$hidden);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)` `layer` `(` $layer `)`
    `outs` `(` $hidden `:` type($hidden) `)` attr-dict (`->` type($results)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Device phase: what compiled code takes from the step
//===----------------------------------------------------------------------===//

def Braid_ArenaViewOp : Braid_Op<"arena_view", [Pure, OpAsmOpInterface]> {
  let summary = "a temporary: a view into the step's arena";
  let description = [{
    The buffer at byte `fixed + per_row * rows` of the arena; `rows` is the
    step's. Dynamic sizes follow.

    Constraints: (arena_c1) as many sizes as the type has dynamic dimensions;
    (arena_c2) offsets are not negative.
  }];
  let arguments = (ins Braid_ContextType:$step, I64Attr:$fixed,
      I64Attr:$per_row, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $step `at` $fixed `+` $per_row `*` `rows` (`sizes` `(` $sizes^ `)`)?
    attr-dict `:` type($result)
  }];
  let extraClassDeclaration = [{
    void getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      setName(getResult(), "temp");
    }
  }];
  let hasVerifier = 1;
}

def Braid_WeightViewOp : Braid_Op<"weight_view", [Pure, OpAsmOpInterface]> {
  let summary = "a weight: entry `base + layer` of the step's weight table";
  let description = [{
    Constraints: (view_c1) the type is static, and `base` not negative.
  }];
  let arguments = (ins Braid_ContextType:$step, I64Attr:$base, Index:$layer);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat =
      "$step `[` $base `+` $layer `]` attr-dict `:` type($result)";
  let extraClassDeclaration = [{
    void getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      setName(getResult(), "weight");
    }
  }];
  let hasVerifier = 1;
}

def Braid_StepViewOp : Braid_Op<"step_view", [Pure, OpAsmOpInterface]> {
  let summary = "a buffer of the step: ids, logits, a state pool, ...";
  let description = [{
    `field` is an argument of `@step`, of which the batch has no buffer: `ids`,
    `output_rows`, `logits`, `hidden` or `pool`, the last with
    the pool's number in the state plan. Dynamic sizes are those of the step.

    Constraints: (step_c1) the field is one of these; (step_c2) a pool, and
    nothing else, has a number, which is not negative.
  }];
  let arguments = (ins Braid_ContextType:$step, StrAttr:$field,
      OptionalAttr<I64Attr>:$pool);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat =
      "$step $field ($pool^)? attr-dict `:` type($result)";
  let extraClassDeclaration = [{
    void getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      setName(getResult(), getField());
    }
  }];
  let hasVerifier = 1;
}

def Braid_TensorMapOp : Braid_Op<"tensor_map", [Pure]> {
  let summary = "describes rows of which a kernel copies tiles";
  let description = [{
    Tiles of `rows` rows and 64 columns, swizzled by 128 bytes in shared memory,
    with zeros beyond the source's last row and column.

    Constraints: (map_c1) the source is a memref of rank 2 of bf16, rows of which
    lie at known multiples of 16 bytes; (map_c2) 1 to 256 rows.

    ```mlir
    %0 = braid.tensor_map %x rows 128 : memref<?x2688xbf16>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, I64Attr:$rows);
  let results = (outs Braid_TensorMapType:$result);
  let assemblyFormat = "$source `rows` $rows attr-dict `:` type($source)";
  let extraClassDeclaration = [{
    /// Whether (map_c1) holds for a source of that type.
    static bool fits(::mlir::MemRefType type);
  }];
  let hasVerifier = 1;
}

def Braid_ParallelOp : Braid_Op<"parallel",
    [SingleBlockImplicitTerminator<"YieldOp">, OpAsmOpInterface]> {
  let summary = "a parallel region over 0 <= i < n";
  let description = [{
    The region's arguments are the bounds of one slice, and the thread's scratch
    memory of `scratch` bytes. Slices have at least `grain` items.

    Constraints: (parallel_c1) the region's arguments are two index and a
    `memref<?xi8>`, and it yields nothing; (parallel_c2) grain > 0 and scratch
    >= 0.
  }];
  let arguments = (ins Braid_ContextType:$step, Index:$n, I64Attr:$grain,
      I64Attr:$scratch);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $step `items` `(` $n `)` `grain` $grain `scratch` $scratch
    attr-dict-with-keyword $body
  }];
  let extraClassDeclaration = [{
    void getAsmBlockArgumentNames(::mlir::Region &region,
                                  ::mlir::OpAsmSetValueNameFn setName);
  }];
  let hasVerifier = 1;
}

def Braid_DispatchOp : Braid_Op<"dispatch", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "hands an outlined parallel region to the runtime's threads";
  let description = [{
    Calls `body(captures..., lo, hi, scratch)` for slices [lo, hi) of 0 <= i < n,
    each of at least `grain` items; `kernel` is the kernel's number in the
    manifest, for profiles.

    Constraints: (dispatch_c1) `body` is a function of the captures, two index
    and a `memref<?xi8>`.
  }];
  let arguments = (ins FlatSymbolRefAttr:$body, Braid_ContextType:$step,
      Index:$n, Variadic<AnyType>:$captures, I64Attr:$grain, I64Attr:$kernel);
  let assemblyFormat = [{
    $body `step` `(` $step `)` `items` `(` $n `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    `grain` $grain `kernel` $kernel attr-dict
  }];
}

#endif // BRAID_DIALECT_BRAIDOPS_TD
