#!/usr/bin/python3
#===- warpgroups.py - contractions by wgmma against those by mma.sync ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles models in bf16 for sm_90a as they are scheduled, and once more with
wgmma wherever a contraction can have it, for any number of rows above 8, and runs
both in the simulator on prompts around the sizes of tiles. Both sum the products
of an output in ascending order, so that logits have to be equal bit for bit,
whatever seed says when tiles arrive.

Models: one of odd sizes with synthetic weights, in bf16 and in codes, whose
contractions take more steps than there are stages and end inside one, and a
fixture.
"""
import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from compare_schedules import COMMON
from harness import FIXTURES, Braid, CommandFailed, Place, Report

SEED = 7
DEEP = dict(COMMON, hybrid_override_pattern="M-E*", vocab_size=257, hidden_size=328, num_attention_heads=5, num_key_value_heads=1,
            head_dim=64, mamba_num_heads=20, mamba_head_dim=16, n_groups=2, ssm_state_size=16, conv_kernel=4, chunk_size=16,
            intermediate_size=456, n_routed_experts=5, num_experts_per_tok=3, moe_intermediate_size=392,
            moe_shared_expert_intermediate_size=264)
# Codes lie in blocks of 16 inputs; their kernels take long to compile.
CODED = dict(DEEP, hybrid_override_pattern="-E", hidden_size=336, intermediate_size=464, moe_intermediate_size=400, moe_shared_expert_intermediate_size=272)
SYNTHETIC = {"deep": DEEP, **{f"deep-{algorithm.lower()}": dict(CODED, quantization_config={"quant_method": "modelopt", "quant_algo": algorithm, "ignore": ["lm_head"]})
                              for algorithm in ("FP8", "NVFP4")}}
TILES = {"deep": (128, 64), "deep-fp8": (128,), "deep-nvfp4": (64,), "plain-moe": (64,)}  # rows of them
LENGTHS = {"deep": (1, 9, 65, 128, 300), "deep-fp8": (9, 130), "deep-nvfp4": (9, 70), "plain-moe": (17, 100)}
PLAIN = re.compile(r'#braid.gpu_schedule<"(?:mma|wgmma)", threads = 256, blocks = \d+, tile = \[[^]]*\]>')


def force(dump, rows):
    """Edits a dump of the kernel phase; returns how many kernels changed."""
    changed = 0
    functions = re.split(r"(?=^  func\.func )", dump.read_text(), flags=re.MULTILINE)
    for i, text in enumerate(functions):
        if "braid.packed_contract" in text:
            functions[i], count = PLAIN.subn(f'#braid.gpu_schedule<"wgmma", threads = 256, blocks = 2, tile = [{rows}, 256, 0]>', text)
            changed += count
    dump.write_text("".join(functions))
    return changed


def prepare(braid, name):
    """The model, and options to compile its dump and to run it."""
    if name not in SYNTHETIC:
        return FIXTURES / name, [f"--weights-from={FIXTURES / name}"], []
    source = braid.folder / f"{name}.json"
    source.write_text(json.dumps(SYNTHETIC[name]))
    return source, [], ["--synthetic-weights", SEED]


def check(report, braid, name, tiles):
    source, options, run = prepare(braid, name)
    dump, artefacts = braid.fresh(".mlir"), {"mma": braid.compile(source, "bf16")}
    braid.call("compile", source, "--precision=bf16", "--stop-after=kernel", *braid.place.compile, "-o", dump)
    for rows in tiles:
        changed = force(dump, rows)
        report.claim(f"{name}: contractions with tiles of {rows} rows", changed > 0, str(changed))
        artefacts[rows] = braid.fresh(".braid")
        braid.call("compile", dump, "--golden=none", *options, "-o", artefacts[rows])
    for length in LENGTHS[name]:
        os.environ["BRAID_SIM_SEED"] = str(length)   # tiles arrive at other moments each time
        ids = [(37 * i + 11) % 250 + 1 for i in range(length)]
        logits = {key: braid.run(artefact, "-n", 0, *run, ids=ids)["prompt.logits"] for key, artefact in artefacts.items()}
        expected = logits.pop("mma")
        for rows, found in logits.items():
            same = np.array_equal(expected, found) and np.isfinite(found).all()
            detail = "bit for bit" if same else f"differ by up to {np.abs(expected - found).max():.3g} of {np.abs(expected).max():.3g}"
            report.claim(f"{name} T{length}, tiles of {rows} rows", same, detail)


def check_seed(report, braid):
    os.environ["BRAID_SIM_SEED"] = "many"
    try:
        braid.run(next(braid.folder.glob("*.braid"), "none"), "-n", 0, ids=[1])
        report.claim("a seed that is no number", False, "taken")
    except CommandFailed as failure:
        report.claim("a seed that is no number", "BRAID_SIM_SEED: expected a number" in str(failure), str(failure))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", help="the braid command")
    parser.add_argument("--force", type=Path, metavar="DUMP", help="only give this dump of a kernel phase wgmma wherever it can have it")
    parser.add_argument("--only", choices=list(TILES), help="one model")
    options = parser.parse_args()
    if options.force:
        return force(options.force, TILES["plain-moe"][0]) == 0
    if not options.braid:
        parser.error("--braid or --force is needed")
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        braid = Braid(options.braid, Path(folder), place=Place("sim", "sm_90a"))
        for name, tiles in TILES.items():
            if options.only in (None, name):
                try:
                    check(report, braid, name, tiles)
                except CommandFailed as failure:
                    report.claim(name, False, str(failure))
        check_seed(report, braid)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
