#!/usr/bin/python3
#===- formats.py - weights that stay as the checkpoint stores them ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantised checkpoints in bf16, whose codes kernels decode as they load them.

A checkpoint whose scales are powers of two is the same model as one in BF16: every
weight is a BF16 number, and such a scale may be applied before or after the sum
without a bit of difference. So both give the same logits bit for bit, for prompts
(many rows) and tokens (one row); and the quantised one takes less memory.

With --device=sim the GPU code is executed by the simulator, with --device=cuda by a
GPU or what BRAID_CUDA_LIBRARY names in its driver's place, prompts only: with few
rows it splits sums by format.
"""
import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness import FIXTURES, Braid, CommandFailed, Place, Report
from oracle.checkpoint import Checkpoint, Stored, read_safetensors, write_safetensors
from oracle.storage import encode_bf16

# Fixture, a format in it, and what its weights take of their BF16 at most.
QUANTISED = (("plain-moe-fp8", "fp8", 0.53), ("latent-moe-nvfp4", "nvfp4", 0.33))


def edit(source, folder, change):
    """A copy of a checkpoint of one file, with other tensors."""
    shutil.copytree(source, folder)
    path = folder / "model.safetensors"
    write_safetensors(path, change(read_safetensors(path)))
    return folder


def power_scales(tensors):
    """Scales of whole tensors become the nearest powers of two."""
    def rounded(name, tensor):
        if tensor.dtype != "F32" or not name.endswith(("weight_scale", "weight_scale_2")):
            return tensor
        return Stored("F32", np.exp2(np.round(np.log2(tensor.raw))).astype(np.float32))
    return {name: rounded(name, tensor) for name, tensor in tensors.items()}


def in_bf16(source, folder):
    """The same model without any codes."""
    checkpoint = Checkpoint(source)

    def change(tensors):
        coded = {name for name, tensor in tensors.items() if name.removesuffix("weight") + "weight_scale" in tensors}
        kept = {name: tensor for name, tensor in tensors.items() if not name.endswith("_scale") and "_scale_" not in name}
        return kept | {name: Stored("BF16", encode_bf16(checkpoint.weight(name))) for name in coded}

    edit(source, folder, change)
    (folder / "hf_quant_config.json").unlink(missing_ok=True)
    config = json.loads((folder / "config.json").read_text())
    config.pop("quantization_config", None)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def check_logits(report, name, braid, artefacts):
    rows = np.random.default_rng(1).integers(0, 250, 40)
    names = ("prompt.logits",) if braid.place.run else ("prompt.logits", "decode.logits")
    found = [braid.run(artefact, "-n", 8, "--ignore-eos", ids=rows) for artefact in artefacts]
    for key in names:
        same = found[0][key].tobytes() == found[1][key].tobytes()
        report.claim(f"{name} {key} as in BF16", same, "bit for bit" if same else "differ")


def check_synthetic(report, name, braid, folder):
    """Made-up codes and scales give numbers, and others for another seed."""
    artefact = braid.compile(folder, "bf16", "--weights=none")
    found = [braid.run(artefact, "-n", 0, f"--synthetic-weights={seed}", ids=[1, 2, 3])["prompt.logits"] for seed in (1, 2)]
    sound = np.isfinite(found).all() and not np.array_equal(*found)
    report.claim(f"{name} synthetic weights", sound, "finite, by the seed" if sound else "not finite, or always the same")


def packed_bytes(braid, artefact):
    formats = json.loads(braid.call("inspect", artefact, "--json"))["weights"]["by_format"]
    return {name: entry["packed_bytes"] for name, entry in formats.items()}


def check(report, options, name, storage, share):
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        place = Place(options.device, options.target)
        braid = Braid(options.braid, scratch, place=place)
        try:
            coded = edit(options.fixtures / name, Path(scratch) / "coded", power_scales)
            plain = in_bf16(coded, Path(scratch) / "plain")
            artefacts = [braid.compile(folder, "bf16") for folder in (coded, plain)]
            check_logits(report, f"{name} on {place.name}", braid, artefacts)
            check_synthetic(report, f"{name} on {place.name}", braid, coded)
            sizes = [packed_bytes(braid, artefact) for artefact in artefacts]
            saved = sum(sizes[1].values()) - sum(sizes[0].values())
            own = sizes[0][storage]
            report.at_most(f"{name} packed {storage}, of its BF16", own / (own + saved), share)
        except (CommandFailed, OSError, KeyError, ValueError) as failure:
            report.claim(name, False, f"{type(failure).__name__}: {failure}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    Place.add_options(parser)
    options = parser.parse_args()
    report = Report()
    for name, storage, share in QUANTISED:
        check(report, options, name, storage, share)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
