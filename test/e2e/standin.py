#!/usr/bin/python3
#===- standin.py - the oracle behind the command line of braid ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Answers the part of `braid compile` and `braid run` that the end-to-end tests
use, with the oracle. It exists to test those tests: PLANT names a mistake to
make, and the tests must see it.

PLANT=logit    one logit is off by 1e-4 of the largest
PLANT=bias     the router's bias is rounded to BF16
PLANT=clamp    the time step is clamped at 0.001
PLANT=window   a loaded session has lost the convolution's window
PLANT=threads  the last bit depends on the number of threads
PLANT=batch    the last bit depends on the batch
PLANT=token    the second decoded token is another one
PLANT=seed     draws do not depend on the place
PLANT=nan      one value is NaN
PLANT=fail     the command fails
"""
import argparse
import json
import os
import pickle
import sys
from dataclasses import replace

import numpy as np

import harness  # noqa: F401  (finds the oracle)
from oracle.checkpoint import write_safetensors
from oracle.model import Model
from oracle.precision import BF16, FP32, bf16
from oracle.sampling import draw_key, scores

PLANT = os.environ.get("PLANT")


def load(artefact):
    """An artefact of this stand-in is the checkpoint's path and a precision."""
    recipe = json.loads(open(artefact).read())
    model = Model(recipe["checkpoint"], FP32 if recipe["precision"] == "f32" else BF16)
    for mixer in model.mixers:
        if PLANT == "bias" and hasattr(mixer, "gate"):
            mixer.bias = bf16(mixer.bias)
        if PLANT == "clamp" and hasattr(mixer, "a"):
            mixer.c = replace(mixer.c, dt_limit=(0.001, np.inf))
    return model


def spoil(rows, options, batch):
    """Puts the planted mistake into logits [T, V]."""
    if PLANT == "logit" and len(rows):
        rows[-1, 0] += 1e-4 * np.abs(rows).max()
    if PLANT == "nan" and len(rows):
        rows[-1, 0] = np.nan
    if (PLANT == "threads" and options.threads > 1) or (PLANT == "batch" and batch):
        rows[:] = np.nextafter(rows, np.float32(np.inf))
    return rows


def sequence(model, ids, options, state, row, position=0, batch=False):
    """One sequence: its tensors, the logits of the next token and its place."""
    tensors = {}
    if ids:
        logits = spoil(model(ids, state), options, batch)
        tensors["prompt.logits"], row = logits, logits[-1]
    tokens, rows, position = [], [], position + len(ids)
    for step in range(options.n):
        rows.append(row)
        key = draw_key(options.seed, 0 if PLANT == "seed" else position + step)
        tokens.append(int(np.argmax(scores(row, options.temperature, key))))
        row = model(tokens[-1:], state, recurrent=True)[-1]
    if PLANT == "token" and len(tokens) > 1:
        tokens[1] = (tokens[1] + 1) % model.config.vocabulary
    width = model.config.vocabulary
    tensors["decode.tokens"] = np.array(tokens, np.int32)
    tensors["decode.logits"] = np.stack(rows) if rows else np.zeros((0, width), np.float32)
    return tensors, row, position + len(tokens)


def run_batch(model, options):
    tensors = {}
    for i, line in enumerate(open(options.prompts_file)):
        own, *_ = sequence(model, json.loads(line)["ids"], options, model.fresh(), None, batch=True)
        tensors.update({f"{i}.{key}": value for key, value in own.items()})
        print(json.dumps({"ids": own["decode.tokens"].tolist(), "text": ""}))
    return tensors


def run_one(model, options):
    state, row, position = model.fresh(), None, 0
    if options.load_session:
        state, row, position = pickle.loads(open(options.load_session, "rb").read())
        for own in state:
            if PLANT == "window" and hasattr(own, "window"):
                own.window = np.zeros_like(own.window)
    ids = [int(i) for i in open(options.ids_file).read().split(",")] if options.ids_file else []
    if options.hidden:
        taps = []
        model(ids, hidden=taps)
        write_safetensors(options.hidden, {"hidden": spoil(np.stack(taps).reshape(-1, taps[0].shape[1]), options, False).reshape(len(taps), *taps[0].shape)})
        return {}
    tensors, row, position = sequence(model, ids, options, state, row, position)
    if options.save_session:
        open(options.save_session, "wb").write(pickle.dumps((state, row, position)))
    return tensors


def run(options):
    model = load(options.artefact)
    tensors = run_batch(model, options) if options.prompts_file else run_one(model, options)
    if options.logits:
        write_safetensors(options.logits, tensors)


def compile(options):
    with open(options.o, "w") as out:
        json.dump({"checkpoint": os.path.abspath(options.checkpoint), "precision": options.precision}, out)


def main():
    if PLANT == "fail":
        print("error: planted", file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    c = commands.add_parser("compile")
    c.add_argument("checkpoint")
    c.add_argument("-o")
    c.add_argument("--precision")
    c.add_argument("--schedule")  # of one answer there is one schedule
    c.set_defaults(act=compile)
    r = commands.add_parser("run")
    r.add_argument("artefact")
    for flag in ("-q", "--ignore-eos"):
        r.add_argument(flag, action="store_true")
    for number, default in (("-n", 0), ("--threads", 1), ("--context", 0), ("--seed", 0)):
        r.add_argument(number, type=int, default=default)
    r.add_argument("--temperature", type=float, default=0)
    for file in ("--ids-file", "--prompts-file", "--logits", "--hidden", "--load-session", "--save-session"):
        r.add_argument(file)
    r.set_defaults(act=run)
    options = parser.parse_args()
    options.act(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
