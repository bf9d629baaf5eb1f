//===- Passes.td - every pass of the compiler, in pipeline order ----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TRANSFORMS_PASSES_TD
#define BRAID_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Model phase -> kernel phase: on tensors
//===----------------------------------------------------------------------===//

def MaterializeStorage : Pass<"materialize-storage", "::mlir::ModuleOp"> {
  let summary = "gives every weight the layout that kernels read";
  let description = [{
    Storage is an encoding that bufferization would erase silently, so this runs
    before it. Every contraction with an encoded weight becomes a
    `braid.packed_contract`; `braid.experts` becomes its grouping, two grouped
    contractions and a weighted sum. Weights stored in fp8 or nvfp4 stay so if they
    are multiplied with bf16 and have whole blocks of 16 inputs; others become numbers
    of the type of the activations. Every other weight becomes a plain f32
    vector (or, for tables, rows of its own type). Assigns each weight its place
    in the step's weight table.

    Requires: the model phase. A contraction with a stored weight has to be
    `y[m, n] = sum_k x[m, k] w[n, k]`, from zero and into f32; a weight that is
    read has one user. Ensures: no tensor has a storage encoding; every
    `braid.weight` that is read has `packed` and `table`.

    ```mlir
    braid.weight @proj from "layers.{L}.proj" : tensor<72x48xbf16, #braid.storage<bf16>>
    %w = braid.param @block::@proj[%layer] : tensor<72x48xbf16, #braid.storage<bf16>>
    %y = linalg.contract ... ins(%x, %w : ...) outs(%zeros : tensor<?x72xf32>) -> tensor<?x72xf32>
    // becomes
    braid.weight @proj from "layers.{L}.proj" packed tensor<3x24x32x2xbf16> table 2 : ...
    %proj = braid.param @block::@proj[%layer] : tensor<3x24x32x2xbf16>
    %product = braid.packed_contract ins(%x, %proj : ...) outs(%out : tensor<?x72xf32>) {
    ^bb0(%acc: f32, %old: f32):
      braid.yield %acc : f32
    } -> tensor<?x72xf32>
    ```
  }];
  let dependentDialects = ["::braid::BraidDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numContracts", "contracts", "packed contractions made">];
}

def FuseEpilogue : Pass<"fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "moves elementwise consumers into a contraction's epilogue";
  let description = [{
    A `linalg.generic` that is elementwise and the only user of a contraction's
    result becomes part of its epilogue: roundings, squares, residual sums then
    happen in registers. A generic that updates its destination (a residual)
    makes the contraction update that destination.

    Requires: materialize-storage. Ensures: contractions that have a single
    elementwise user have been joined with it.

    ```mlir
    %0 = braid.packed_contract ins(%x, %w : ...) outs(%sum : tensor<?x64xf32>) {
    ^bb0(%acc: f32, %old: f32):
      braid.yield %acc : f32
    } -> tensor<?x64xf32>
    %1 = linalg.generic ... ins(%0 : tensor<?x64xf32>) outs(%h : tensor<?x64xbf16>) { h + bf16(sum) }
    // becomes
    %1 = braid.packed_contract ins(%x, %w : ...) outs(%h : tensor<?x64xbf16>) {
    ^bb0(%acc: f32, %old: bf16):
      %rounded = arith.truncf %acc : f32 to bf16
      %new = arith.addf %old, %rounded : bf16
      braid.yield %new : bf16
    } -> tensor<?x64xbf16>
    ```
  }];
  let dependentDialects = ["::braid::BraidDialect"];
  let statistics = [Statistic<"numFused", "fused", "consumers fused">];
}

def GroupContractions : Pass<"group-contractions", "::mlir::func::FuncOp"> {
  let summary = "brings contractions that can run at once together";
  let description = [{
    A contraction into a new buffer moves up behind the first one of the same
    input, or behind the second one of the experts, unless it depends on a compute
    op between them. `form-kernels` makes one kernel of such a group: one launch
    reads all of its weights.

    Requires: fuse-epilogue. Ensures: nothing but the order has changed.

    ```mlir
    %gate = braid.packed_contract ins(%x, %w0 : ...) ...
    %ids, %weights = braid.route ins(%gate, ...) ...
    %up = braid.packed_contract ins(%x, %w1 : ...) outs(%empty : ...) ...
    // becomes
    %gate = braid.packed_contract ins(%x, %w0 : ...) ...
    %up = braid.packed_contract ins(%x, %w1 : ...) outs(%empty : ...) ...
    %ids, %weights = braid.route ins(%gate, ...) ...
    ```
  }];
  let statistics = [Statistic<"numMoved", "moved", "contractions moved">];
}

def SeparateDestinations : Pass<"separate-destinations", "::mlir::func::FuncOp"> {
  let summary = "gives each op an uninitialised tensor of its own to write into";
  let description = [{
    Equal `tensor.empty` are one value to CSE, and one buffer to bufferization;
    whatever two ops write there one after the other. With one for each, made
    where it is written, a temporary is one op's result: `form-kernels` sees who
    reads it, and `plan-arena` how long it is needed.

    Requires: fuse-epilogue. Ensures: no two ops write into one `tensor.empty`.

    ```mlir
    %empty = tensor.empty(%rows) : tensor<?x64xbf16>
    %u = braid.rms_norm ins(%h, %w : ...) outs(%empty : tensor<?x64xbf16>) ...
    %y = braid.attention ... outs(%empty, ... : tensor<?x64xbf16>, ...) ...
    // becomes
    %0 = tensor.empty(%rows) : tensor<?x64xbf16>
    %u = braid.rms_norm ins(%h, %w : ...) outs(%0 : tensor<?x64xbf16>) ...
    %1 = tensor.empty(%rows) : tensor<?x64xbf16>
    %y = braid.attention ... outs(%1, ... : tensor<?x64xbf16>, ...) ...
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def BuildPrepare : Pass<"build-prepare", "::mlir::ModuleOp"> {
  let summary = "makes the functions that bring weights into their layout";
  let description = [{
    One function per distinct (storage, stored shape, packed type, transform):
    it reads the checkpoint's bytes and writes the packed weight. The layout is
    that of `materialize-storage`, so no second packing can disagree with the
    kernels.

    Requires: materialize-storage. Ensures: every `braid.weight` names its
    function.

    ```mlir
    braid.weight @A from "layers.{L}.A_log" transform "neg_exp" packed tensor<8xf32> : tensor<8xbf16, #braid.storage<bf16>>
    // gets
    func.func @braid_prepare_3(%stored: memref<8xbf16>, %packed: memref<8xf32>) {
      scf.for ... {
        %0 = memref.load %stored[%i]
        %1 = arith.extf %0 : bf16 to f32
        %2 = math.exp %1 : f32
        %3 = arith.negf %2 : f32
        memref.store %3, %packed[%i]
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
      "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
      "::mlir::math::MathDialect"];
}

//===----------------------------------------------------------------------===//
// Kernel phase: on memrefs
//===----------------------------------------------------------------------===//

def DropStepResults : Pass<"drop-step-results", "::mlir::ModuleOp"> {
  let summary = "removes the results of @step, which are its own arguments";
  let description = [{
    After bufferization every result of `@step` has to be the buffer that came
    in: logits, hidden states and pools. Anything else is an error, as state
    would have been copied. (Upstream's pass does this for private functions.)
  }];
}

def FormKernels : Pass<"form-kernels", "::mlir::ModuleOp"> {
  let summary = "moves compute ops into kernels: private functions";
  let description = [{
    Every compute op of a block function moves into a private function, named
    after the block and the op's location; equal kernels are shared. Several
    consecutive ops become one kernel, whose `braid.fused` says why, if they are

    * contractions of one input, or the second one of the experts and a
      contraction of as many rows, none of which reads or writes what another one
      writes: these may run in any order;
    * a norm, or the sum over experts, and contractions whose input it is, or to
      which alone the sum is added, if these write nothing that it reads;
    * one contraction, with or without its norm, and the convolution that reads
      columns of its result;
    * the choice of experts and the sorting of rows by it.

    Requires: a bufferized module. Ensures: compute ops are only in functions
    with the attribute `braid.kernel`, its value the kernel's number.

    ```mlir
    func.func private @mamba0(%h: memref<?x48xf32>, ...) {
      braid.rms_norm ins(%h, %norm : ...) outs(%u : memref<?x48xf32>) {eps = 1.0e-5} loc("norm")
    // becomes
    func.func private @mamba0(%h: memref<?x48xf32>, ...) {
      call @mamba0_norm(%h, %norm, %u)
    func.func private @mamba0_norm(%0: ..., %1: ..., %2: ...) attributes {braid.kernel = 0 : i64} {
      braid.rms_norm ins(%0, %1 : ...) outs(%2 : memref<?x48xf32>) {eps = 1.0e-5}
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let statistics = [Statistic<"numKernels", "kernels", "distinct kernels">];
}

def ChooseSchedule : Pass<"choose-schedule", "::mlir::ModuleOp"> {
  let summary = "decides how each kernel is to be emitted";
  let description = [{
    Writes `#braid.schedule` on every kernel function, from the ISA level alone:
    the choice does not depend on the machine that compiles. In a kernel of
    several ops it is the main one's, the last contraction or else the last op;
    others that want another have it themselves.
  }];
  let options = [
    Option<"isa", "isa", "std::string", "\"x86-64-v3\"",
           "ISA level: x86-64-v3, avx512, avx512-bf16">,
    Option<"reference", "reference", "bool", "false",
           "the obvious loops for every kernel">];
}

def CountWork : Pass<"count-work", "::mlir::ModuleOp"> {
  let summary = "notes what each kernel computes and reads";
  let description = [{
    Writes `braid.work` on every kernel: the main op, calls in a step,
    FLOPs per row, bytes of weights of a call and of one expert, if there is a
    stack of `experts` of which a row uses `choices`, bytes of activations per row
    and of state per sequence (read and written), bytes and FLOPs per token of
    context, and whether rows are those that want logits: kernels behind all
    layers. The manifest passes it on, so that a benchmark can say how far each
    kernel is from the machine's limits, and `braid plan` what to expect of a GPU.

    Requires: form-kernels.
  }];
}

def PlanArena : Pass<"plan-arena", "::mlir::ModuleOp"> {
  let summary = "places all temporaries of a step in one arena";
  let description = [{
    Adds the step's context to every function, turns each allocation into a view
    of the arena at an offset linear in the rows, and each weight read into a
    view of the weight table. Allocations of one function get disjoint space
    unless their live ranges do not meet; a callee's begin after its callers'.

    Requires: form-kernels. Ensures: no `memref.alloc` and no `braid.param` is
    left; the module says the arena's size (`braid.arena`).

    ```mlir
    func.func private @block(%rows: index, %layer: index) {
      %w = braid.param @p::@w[%layer] : memref<16xf32>
      %a = memref.alloc(%rows) : memref<?x16xf32>
    // becomes
    func.func private @block(%step: !braid.context, %rows: index, %layer: index) {
      %weight = braid.weight_view %step[5 + %layer] : memref<16xf32>
      %temp = braid.arena_view %step at 128 + 64 * rows sizes(%rows) : memref<?x16xf32>
    ```
  }];
  let dependentDialects = ["::braid::BraidDialect"];
}

def BindStep : Pass<"bind-step", "::mlir::ModuleOp"> {
  let summary = "makes the step's buffers views of its context";
  let description = [{
    Ids, logits and state pools are the same buffers in every call of a step.
    Passing them would cost some forty registers and stack slots at each of the
    calls, once per layer; instead `@step` and the functions it calls take them
    from the context (`braid.step_view`).

    Requires: plan-arena. Ensures: `@step` has one argument, the context.

    ```mlir
    func.func @step(%step: !braid.context, %ids: memref<?xi32>, ...) {
      call @embed(%step, %ids)
    // becomes
    func.func @step(%step: !braid.context) {
      call @embed(%step)
    func.func private @embed(%step: !braid.context) {
      %ids = braid.step_view %step "ids" : memref<?xi32>
    ```
  }];
}

def ForkTargets : Pass<"fork-targets", "::mlir::ModuleOp"> {
  let summary = "copies the step and its kernels for each GPU target";
  let description = [{
    Formation, state, weights and arena are the same on every device; schedules
    and emitters are not. `@step` and all that it calls get a copy per target,
    named after it, which the later passes treat as that target's.

    Requires: bind-step. Ensures: functions with `braid.target` call only each
    other; the module lists the targets (`braid.gpu_targets`).

    ```mlir
    func.func @step(%step: !braid.context) {
      call @mamba0_norm(%step, ...)
    // with targets=sm_90a beside it
    func.func @step_sm_90a(%step: !braid.context) attributes {braid.target = "sm_90a"} {
      call @mamba0_norm_sm_90a(%step, ...)
    ```
  }];
  let options = [ListOption<"targets", "targets", "std::string",
                            "GPU targets: sm_80, sm_90a, ...">];
}

def VerifyKernelPhase : Pass<"verify-kernel-phase", "::mlir::ModuleOp"> {
  let summary = "proves what the kernel phase promises";
  let description = [{
    State is updated in place (no function returns a buffer, no copy of a pool),
    a step allocates nothing, every kernel has a schedule, no tensor is left.
  }];
}

//===----------------------------------------------------------------------===//
// Device phase, CPU
//===----------------------------------------------------------------------===//

def LowerToReference : Pass<"lower-to-reference", "::mlir::ModuleOp"> {
  let summary = "writes kernels of the reference schedule as plain loops";
  let description = [{
    The executable definition of every compute op: loops over scalars on one
    thread (on a GPU, a grid of one thread), written from the op's description
    and sharing no algorithm with the emitters. Whole models run this way with `--schedule=reference`, single
    kernels by editing `braid.schedule` in a dump of the kernel phase; tests
    compare the two.

    Requires: choose-schedule, memrefs. Ensures: no kernel with strategy
    `reference` is left.

    ```mlir
    braid.tap ins(%x : memref<?x8xf32>) layer(%i) outs(%h : memref<?x?x8xf32>)
    // becomes
    scf.if %wanted {
      scf.for %t = %c0 to %rows step %c1 {
        scf.for %c = %c0 to %c8 step %c1 {
          %v = memref.load %x[%t, %c]
          memref.store %v, %h[%i, %t, %c]
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
      "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
      "::mlir::LLVM::LLVMDialect", "::mlir::gpu::GPUDialect"];
  let statistics = [Statistic<"numKernels", "kernels", "kernels lowered">];
}

def EmitCPUKernels : Pass<"emit-cpu-kernels", "::mlir::ModuleOp"> {
  let summary = "writes each kernel as loops and vectors, as its schedule says";
  let description = [{
    Requires: choose-schedule, plan-arena. Ensures: no compute op and no
    schedule is left; parallelism is `braid.parallel`. A schedule that its kernel
    or the CPU cannot follow (`dot = bf16` without pairs of bf16) is an error.
  }];
  let options = [Option<"dotsBF16", "dots-bf16", "bool", "true",
                        "the CPU has an instruction that multiplies pairs of bf16">];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
      "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
      "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect",
      "::mlir::x86vector::X86VectorDialect"];
}

//===----------------------------------------------------------------------===//
// Device phase, GPU
//===----------------------------------------------------------------------===//

def EmitGPUKernels : Pass<"emit-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "writes each kernel of a GPU target as grids of threads";
  let description = [{
    Each compute op of a function with a `#braid.gpu_schedule` becomes one or
    more `gpu.launch`. Sizes of grids are computed on the host, from the step;
    what a thread does is its region. Of few rows, a kernel's norm or sum over
    experts is computed by the blocks that read it, its convolution by those that
    write the input.

    Requires: fork-targets, choose-schedule. Ensures: no compute op and no GPU
    schedule is left.

    ```mlir
    func.func private @norm_sm_90a(%step: !braid.context, %x: memref<?x64xf32>, %w: memref<64xf32>, %y: memref<?x64xf32>)
        attributes {braid.schedule = #braid.gpu_schedule<"simt", threads = 32, blocks = 8>, braid.target = "sm_90a"} {
      braid.rms_norm ins(%x, %w : ...) outs(%y : ...) {eps = 1.0e-5}
    // becomes
      %rows = memref.dim %x, %c0
      gpu.launch blocks(%row, %group, ...) in (%gx = %rows, ...) threads(%t, ...) in (%bx = %c32, ...) {
        ... vector.load %x[%row, %column] ... gpu.shuffle xor ... vector.store %y
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::NVVM::NVVMDialect",
      "::mlir::nvgpu::NVGPUDialect", "::mlir::scf::SCFDialect",
      "::mlir::vector::VectorDialect",
      "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
      "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect"];
}

def JoinLaunches : Pass<"join-launches", "::mlir::func::FuncOp"> {
  let summary = "makes one launch of those of a kernel's independent ops";
  let description = [{
    A launch says by `braid.member` which of its kernel's independent ops it
    belongs to. Branches of the same condition are joined, then launches of blocks
    of one size that stand one after another, one of each op: the first blocks do
    what the first one did, and so on. If the heights of their grids differ, blocks
    are counted through. Launches that do not fit together stay apart.

    Requires: emit-gpu-kernels. Ensures: no `braid.member` is left.

    ```mlir
    gpu.launch blocks(%x, ...) in (%x = %a, ...) { A } {braid.member = 0}
    gpu.launch blocks(%x, ...) in (%x = %b, ...) { B } {braid.member = 1}
    // becomes
    gpu.launch blocks(%x, ...) in (%x = %a + %b, ...) {
      scf.if %x < %a { A } else { B, with %x - %a }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::scf::SCFDialect"];
}

def OutlineLaunches : Pass<"outline-launches", "::mlir::ModuleOp"> {
  let summary = "moves each launch's region into a GPU function";
  let description = [{
    The functions of one target lie in one `gpu.module` of its name, in the
    order of their launches in the program; a function's place is its number
    in the manifest; its name is the kernel's, then the launch's `braid.part`.
    Captured values become parameters, constants are repeated.
    Launches of a kernel that do the same share a function.
    A parameter that is a weight in all calls is `noalias` and `readonly`:
    nothing writes weights during a step, so that they may be read through the
    cache for constant data.

    Ensures: no `gpu.launch` is left; every `gpu.func` has `braid.threads`,
    `braid.shared_bytes` and `braid.kernel`, the kernel it belongs to.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def ExpandMath : Pass<"expand-math", "::mlir::ModuleOp"> {
  let summary = "replaces exp, log and log1p by arithmetic";
  let description = [{
    Libraries that may be absent are never called, and a vector is never split
    into calls: exp, log and log1p are polynomials. On a CPU that cannot round
    to bf16, rounding is integer arithmetic (LLVM would call a library, lane by
    lane); every GPU can.
  }];
  let options = [Option<"roundsBF16", "rounds-bf16", "bool", "true",
                        "the CPU has an instruction that rounds to bf16">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def BF16AsBits : Pass<"bf16-as-bits", "::mlir::ModuleOp"> {
  let summary = "loads and stores bf16 as 16-bit integers";
  let description = [{
    For a CPU without bf16 instructions. LLVM merges equal stores of two
    branches into one store of a phi; a phi of bf16 it carries as f32 there, and
    calls `__truncsfbf2` for every lane. With integers in memory, and conversions
    that are integer arithmetic (expand-math), no value of type bf16 is left.

    Requires: the LLVM dialect, expand-math with rounds-bf16=false.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def OutlineParallel : Pass<"outline-parallel", "::mlir::ModuleOp"> {
  let summary = "moves each parallel region into a function for the threads";
  let description = [{
    Ensures: no `braid.parallel` is left; each has become a function of its
    captures, bounds and scratch, called through `braid.dispatch`.

    ```mlir
    braid.parallel %step items(%n) grain 4 scratch 256 {
    ^bb0(%lo: index, %hi: index, %scratch: memref<?xi8>):
      ... %x ...
    }
    // becomes
    braid.dispatch @scale_body step(%step) items(%n) captures(%x : memref<?xf32>) grain 4 kernel 7
    func.func private @scale_body(%x: memref<?xf32>, %lo: index, %hi: index, %scratch: memref<?xi8>)
    ```
  }];
}

def GPUToNVVM : Pass<"gpu-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "lowers GPU functions to the NVVM and LLVM dialects";
  let description = [{
    A buffer becomes a pointer and one 64-bit number for each of its dynamic
    sizes, strides and offset; the context a pointer to the device's copy of
    the step. All parameters are 8 bytes wide.

    Requires: outline-launches, expand-math. Ensures: only the LLVM and NVVM
    dialects.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
      "::mlir::arith::ArithDialect", "::mlir::affine::AffineDialect",
      "::mlir::cf::ControlFlowDialect", "::mlir::memref::MemRefDialect",
      "::mlir::vector::VectorDialect"];
}

def NVVMToSim : Pass<"nvvm-to-sim", "::mlir::ModuleOp"> {
  let summary = "makes a host function of every GPU function, for the simulator";
  let description = [{
    The very program that becomes PTX runs on the CPU: each NVVM op becomes a
    call of the simulator (`braid_sim`, braid-rt/abi.h), and every load and
    store tells it first what it will touch. An op without a simulation is an
    error.

    Requires: gpu-to-nvvm. Ensures: for every GPU function `K` of target `T` a
    function `sim_T_K(thread, parameters)`. Those that are there already are
    made anew: the GPU functions of a dump may have been edited.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def HostToRuntime : Pass<"host-to-runtime", "::mlir::ModuleOp"> {
  let summary = "lowers host code to LLVM, calling the runtime's ABI";
  let description = [{
    Arena views, weight views and dispatches become loads from `braid_step` and
    a call of its services (braid-rt/abi.h); `@step` becomes `braid_step`, and
    preparation functions take raw pointers. The step of a GPU target also says
    which layer comes next, for messages. Ensures: only the LLVM dialect.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
      "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
      "::mlir::cf::ControlFlowDialect", "::mlir::memref::MemRefDialect",
      "::mlir::vector::VectorDialect"];
}

#endif // BRAID_TRANSFORMS_PASSES_TD
