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
    contractions and a weighted sum; every other weight becomes a plain f32
    vector (or, for tables, rows of its own type). Assigns each weight its place
    in the step's weight table.

    Requires: the model phase. Ensures: no tensor has a storage encoding; every
    `braid.weight` has `packed` and `table`.
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
  }];
  let dependentDialects = ["::braid::BraidDialect"];
  let statistics = [Statistic<"numFused", "fused", "consumers fused">];
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
  let summary = "makes each compute op a kernel: a private function, one grid";
  let description = [{
    Every compute op of a block function moves into a function of its own, named
    after the block and the op's location; equal kernels are shared.

    Requires: a bufferized module. Ensures: compute ops are only in functions
    with the attribute `braid.kernel`, its value the kernel's number.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let statistics = [Statistic<"numKernels", "kernels", "distinct kernels">];
}

def ChooseSchedule : Pass<"choose-schedule", "::mlir::ModuleOp"> {
  let summary = "decides how each kernel is to be emitted";
  let description = [{
    Writes `#braid.schedule` on every kernel function, from the ISA level alone:
    the choice does not depend on the machine that compiles.
  }];
  let options = [
    Option<"isa", "isa", "std::string", "\"x86-64-v3\"",
           "ISA level: x86-64-v3, avx512, avx512-bf16">,
    Option<"reference", "reference", "bool", "false",
           "the obvious loops for every kernel">];
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
  }];
  let dependentDialects = ["::braid::BraidDialect"];
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

def EmitCPUKernels : Pass<"emit-cpu-kernels", "::mlir::ModuleOp"> {
  let summary = "writes each kernel as loops and vectors, as its schedule says";
  let description = [{
    Requires: choose-schedule, plan-arena. Ensures: no compute op and no
    schedule is left; parallelism is `braid.parallel`.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
      "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
      "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect"];
}

def ExpandMath : Pass<"expand-math", "::mlir::ModuleOp"> {
  let summary = "replaces exp, log1p and rsqrt by arithmetic";
  let description = [{
    Libraries that may be absent are never called, and a vector is never split
    into calls: exp and log1p are polynomials, rsqrt is a square root and a
    division.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def OutlineParallel : Pass<"outline-parallel", "::mlir::ModuleOp"> {
  let summary = "moves each parallel region into a function for the threads";
  let description = [{
    Ensures: no `braid.parallel` is left; each has become a function of its
    captures, bounds and scratch, called through `braid.dispatch`.
  }];
}

def HostToRuntime : Pass<"host-to-runtime", "::mlir::ModuleOp"> {
  let summary = "lowers host code to LLVM, calling the runtime's ABI";
  let description = [{
    Arena views, weight views and dispatches become loads from `braid_step` and
    a call of its services (braid-rt/abi.h); `@step` becomes `braid_step`, and
    preparation functions take raw pointers. Ensures: only the LLVM dialect.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // BRAID_TRANSFORMS_PASSES_TD
