#!/usr/bin/python3
#===- faults.py - the simulator finds faults planted in real kernels ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles small models for a GPU, breaks one kernel at a time as test/faults
does, after everything that makes it what becomes PTX, and runs the model on the
simulator: it has to stop with one line that says what is wrong, in which kernel,
at which op, and in which layer, block and thread. Unbroken models run through.
"""
import argparse
import json
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compare_schedules import COMMON
from harness import Braid, CommandFailed, Report
from warpgroups import force

MODEL = dict(COMMON, vocab_size=96, hidden_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=32, mamba_num_heads=4,
             mamba_head_dim=32, n_groups=2, ssm_state_size=32, conv_kernel=4, chunk_size=32)
# The last one has five steps, more than stages, and is made to take wgmma.
MODELS = {"mamba": dict(MODEL, hybrid_override_pattern="M"), "attention": dict(MODEL, hybrid_override_pattern="*"),
          "warpgroup": dict(MODEL, hybrid_override_pattern="-", hidden_size=320, intermediate_size=512)}
LINE = r"simulated kernel \w+: (?:llvm|nvvm)\.[\w.]+ \d+( at .+)?: block \(\d+, \d+, \d+\), thread \d+: .*(?:{}).* \(layer 0\)"
CLASSES = {
    "out of bounds": "out of bounds|outside of the buffers",
    "misaligned": "not a multiple",
    "uninitialised": "nothing has written them",
    "race": "without a barrier in between",
    "asynchronous": "an asynchronous copy to them has not been waited for",
    "divergent": "divergent (?:barrier|warp)",
    "unordered": "wgmma that reads them has not been waited for|no wgmma.fence since|visible to asynchronous operations",
    "endless": "waits in vain",
}
GENERIC, GLOBAL, SHARED, CLUSTER = dict(space=0), dict(space=1), dict(space=3), dict(space=7)
COPY, WAIT, COMMIT = ({"op": f"nvvm.cp.async.{end}"} for end in ("shared.global", "wait.group", "commit.group"))
LOAD, STORE, BARRIER, ROWS = ({"op": op} for op in ("llvm.load", "llvm.store", "nvvm.barrier0", "nvvm.ldmatrix"))
TRY, ARRIVE, EXPECT = ({"op": f"nvvm.mbarrier.{end}"} for end in ("try_wait", "arrive", "arrive.expect_tx"))
TMA = dict(op="nvvm.cp.async.bulk.tensor.shared.cluster.global")
GROUP_WAIT, GROUP_COMMIT, FENCE = ({"op": f"nvvm.wgmma.{end}.aligned"} for end in ("wait.group.sync", "commit.group.sync", "fence"))
MMA, LANES = dict(has="nvvm.mma.sync"), dict(has="nvvm.shfl.sync")


def fault(kind, model, kernel, edit, *parts, **more):
    options = {"kernel": kernel, "edit": edit}
    for part in (*parts, more):
        options.update(part)
    return kind, model, options


FAULTS = [
    fault("out of bounds", "mamba", "conv_runs", "move", STORE, GENERIC, bytes=16),
    fault("out of bounds", "mamba", "norm", "move", LOAD, GENERIC, bytes=-4096),
    fault("out of bounds", "attention", "attention0_attention", "shrink", MMA, bytes=4096),
    fault("out of bounds", "attention", "attention0_attention", "move", COPY, GLOBAL, bytes=1 << 24),
    fault("out of bounds", "mamba", "in_proj", "move", STORE, SHARED, LANES, bytes=1 << 20),
    fault("misaligned", "mamba", "norm", "move", LOAD, GENERIC, bytes=2),
    fault("misaligned", "mamba", "in_proj", "move", ROWS, SHARED, bytes=8),
    fault("misaligned", "attention", "attention0_attention", "move", COPY, SHARED, bytes=4),
    fault("misaligned", "mamba", "scan", "move", STORE, SHARED, MMA, bytes=1),
    fault("uninitialised", "mamba", "in_proj", "erase", STORE, SHARED, LANES),
    fault("uninitialised", "mamba", "scan", "erase", STORE, SHARED, MMA),
    fault("uninitialised", "attention", "attention0_attention", "erase", COPY, MMA),
    fault("race", "mamba", "scan", "erase", BARRIER, MMA, number=4),
    fault("race", "mamba", "in_proj", "bypass", MMA, op="llvm.xor"),   # all to one place of the swizzle
    fault("race", "attention", "attention0_attention", "erase", BARRIER, MMA, number=2),
    fault("asynchronous", "mamba", "in_proj", "erase", WAIT),
    fault("asynchronous", "attention", "attention0_attention", "erase", WAIT, number=0),
    fault("asynchronous", "attention", "attention0_attention", "erase", WAIT, number=1),
    fault("asynchronous", "mamba", "in_proj", "erase", COMMIT),
    fault("divergent", "mamba", "scan", "skip", BARRIER, number=1),
    fault("divergent", "attention", "attention0_attention", "skip", BARRIER, number=1),
    fault("divergent", "mamba", "scan", "part", BARRIER, number=0),
    fault("divergent", "mamba", "in_proj", "part", BARRIER, MMA),
    fault("out of bounds", "warpgroup", "up_proj_wgmma", "shrink", bytes=8192),
    fault("misaligned", "warpgroup", "up_proj_wgmma", "move", TMA, CLUSTER, number=2, bytes=64),
    fault("misaligned", "warpgroup", "up_proj_wgmma", "move", LOAD, GENERIC, bytes=8),
    fault("race", "warpgroup", "up_proj_wgmma", "erase", BARRIER),
    fault("asynchronous", "warpgroup", "up_proj_wgmma", "done", TRY, number=0),
    fault("divergent", "warpgroup", "up_proj_wgmma", "part", BARRIER),
    fault("unordered", "warpgroup", "up_proj_wgmma", "done", TRY, number=1),
    fault("unordered", "warpgroup", "up_proj_wgmma", "erase", GROUP_WAIT),
    fault("unordered", "warpgroup", "up_proj_wgmma", "erase", GROUP_COMMIT),
    fault("unordered", "warpgroup", "up_proj_wgmma", "erase", FENCE),
    fault("unordered", "warpgroup", "up_proj_wgmma", "erase", {"op": "nvvm.fence.mbarrier.init"}),
    fault("endless", "warpgroup", "down_proj_wgmma", "erase", ARRIVE),
    fault("endless", "warpgroup", "down_proj_wgmma", "erase", EXPECT, number=4),
    fault("endless", "warpgroup", "down_proj_wgmma", "erase", TMA, number=1),
]


class Bench:
    def __init__(self, options, scratch):
        self.braid = Braid(options.braid, scratch)
        self.opt = Braid(self.braid.path.parent / "braid-opt", scratch)
        self.plugin = self.braid.path.parent / "braid-faults.so"
        self.dumps = {}
        for name, model in MODELS.items():
            config, kernels, self.dumps[name] = (self.braid.folder / f"{name}{end}" for end in (".json", ".kernel.mlir", ".mlir"))
            config.write_text(json.dumps(model))
            self.braid.call("compile", config, "-q", f"--target=cpu,{options.target}", "--golden=none", "--stop-after=kernel", "-o", kernels)
            if name == "warpgroup":
                force(kernels, rows=64)
            self.braid.call("compile", kernels, "-q", "--golden=none", "--stop-after=device", "-o", self.dumps[name])

    def run(self, name, model, plant):
        """The error of a run on the simulator, or nothing."""
        dump, artefact = (self.braid.folder / f"{name}{end}" for end in (".mlir", ".braid"))
        passes = [*plant, "nvvm-to-sim", "bf16-as-bits", "canonicalize", "cse"]
        self.opt.call(self.dumps[model], f"--load-pass-plugin={self.plugin}", f"--pass-pipeline=builtin.module({','.join(passes)})",
                      "--mlir-print-debuginfo", "-o", dump)
        self.braid.call("compile", dump, "-q", "-o", artefact)
        try:
            self.braid.call("run", artefact, "--device=sim", "-q", "--synthetic-weights=1", "--ids=" + ",".join(map(str, range(1, 41))), "-n", 3, "--ignore-eos")
        except CommandFailed as failure:
            return str(failure)
        return ""


def check(bench, number, kind, model, options):
    report = Report(quiet=True)
    plant = " ".join(f"{key}={value}" for key, value in options.items())
    try:
        error = bench.run(f"fault{number}", model, [f"plant-fault{{{plant}}}"])
        found = re.search(LINE.format(CLASSES[kind]), error)
        report.claim(f"{kind}, {model}: {plant}", found and found[1], error or "not found")
    except CommandFailed as failure:
        report.claim(f"{kind}, {model}: {plant}", False, str(failure))
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command; braid-opt and the plugin lie beside it")
    parser.add_argument("--target", default="sm_90a")
    parser.add_argument("--only", help="faults of this class")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(options, scratch)
        for model in MODELS:
            error = bench.run(f"clean-{model}", model, [])
            report.claim(f"{model}, unbroken", not error, error or "nothing found")
        chosen = [(i, *one) for i, one in enumerate(FAULTS) if options.only in (None, one[0])]
        for part in pool.map(lambda one: check(bench, *one), chosen):
            report.add(part)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
