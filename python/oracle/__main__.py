#===- __main__.py - check a fixture ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m oracle DIR... [--bf16 | --tensor-core] [--recurrent]

Runs the oracle on the prompts of DIR/reference.safetensors. In FP32 it prints
the relative error of every prompt, of the decode logits and of the hidden
states, and fails above --bar; with --bf16 the mean KL over all positions.
"""
import argparse
import sys
from pathlib import Path

import numpy as np

from .checkpoint import read_arrays
from .compare import kl, prompts, relative_error
from .model import Model
from .precision import BF16, BF16_TENSOR_CORE, FP32


def errors(model, reference, recurrent):
    """Yields (what, relative error) for everything the reference holds."""
    for n in prompts(reference):
        found = model(reference[f"T{n}.ids"], recurrent=recurrent)
        yield f"T{n}", relative_error(found, reference[f"T{n}.logits"])
    if "T17.hidden" in reference:
        taps = []
        model(reference["T17.ids"], hidden=taps, recurrent=recurrent)
        yield "T17.hidden", relative_error(np.stack(taps), reference["T17.hidden"])
    tokens, logits = model.greedy(reference["decode.prompt"], len(reference["decode.tokens"]))
    yield "decode.logits", relative_error(logits, reference["decode.logits"])
    yield "decode.tokens", float(np.sum(tokens != reference["decode.tokens"]))


def mean_kl(model, reference):
    """(mean KL, share of positions with the same best token) over all prompts."""
    distance, same = [], []
    for n in prompts(reference):
        expected, found = reference[f"T{n}.logits"], model(reference[f"T{n}.ids"])
        distance.append(kl(expected, found))
        same.append(expected.argmax(-1) == found.argmax(-1))
    return np.concatenate(distance).mean(), np.concatenate(same).mean()


def main():
    parser = argparse.ArgumentParser(prog="oracle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--bf16", action="store_true", help="BF16 profile: rounds every stored activation")
    parser.add_argument("--tensor-core", action="store_true", help="BF16 profile with the roundings inside the chunked scan")
    parser.add_argument("--recurrent", action="store_true", help="prefill through the recurrence")
    parser.add_argument("--bar", type=float, default=1e-5)
    options = parser.parse_args()
    failed = 0
    for directory in options.directories:
        reference = read_arrays(directory / "reference.safetensors")
        if options.bf16 or options.tensor_core:
            model = Model(directory, BF16_TENSOR_CORE if options.tensor_core else BF16)
            distance, same = mean_kl(model, reference)
            print(f"{directory.name}: KL {distance:.2e}, same best token {same:.3f}")
            continue
        for what, error in errors(Model(directory, FP32), reference, options.recurrent):
            verdict = "PASS" if error <= options.bar else "FAIL"
            failed += verdict == "FAIL"
            print(f"{verdict} {directory.name} {what}: {error:.1e} <= {options.bar:.0e}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
