#!/usr/bin/python3
#===- equalities.py - results that must not depend on how they were computed ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Equalities of compiled models, at random split points:

    prefill in pieces == prefill at once        1e-5 in f32
    prefill + decode  == prefill at once        1e-5 in f32 (recurrence == chunks)
    1 thread          == N threads              bit for bit
    ragged batch      == each prompt alone      bit for bit
    mixed steps       == each sequence alone    bit for bit (f32)
    saved, loaded     == never stopped          bit for bit
    forked twice      == each other             bit for bit
    chosen tokens     == the oracle's choice    of the same logits

With --device=sim the GPU code is executed by the simulator, with --device=cuda on a
GPU, or by what BRAID_CUDA_LIBRARY names in its driver's place. It has no threads to
vary, and lengths are shorter, across the edges of tiles all the same. In bf16 a
GPU multiplies up to 8 rows in another way than more: there, what is compared bit
for bit is on one side of that.
"""
import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness import FIXTURES, Braid, CommandFailed, Place, Report
from oracle.compare import relative_error
from oracle.sampling import draw_key, scores

BAR = 1e-5


class Subject:
    """One compiled fixture and a source of random prompts for it."""

    def __init__(self, options, folder, braid):
        self.braid, self.precision, self.name = braid, options.precision, folder.name
        self.random = random.Random(options.seed)
        config = json.loads((folder / "config.json").read_text())
        self.vocabulary = config["vocab_size"]
        if config["max_position_embeddings"] <= options.tokens:
            folder = self.with_context(folder, config, 2 * options.tokens)
        self.artefact = braid.compile(folder, options.precision)

    def with_context(self, folder, config, tokens):
        """A copy that allows longer texts; without positions nothing else changes."""
        copy = self.braid.folder / folder.name
        shutil.copytree(folder, copy)
        (copy / "config.json").write_text(json.dumps(dict(config, max_position_embeddings=tokens)))
        return copy

    def ids(self, count):
        return [self.random.randrange(self.vocabulary) for _ in range(count)]

    def run(self, *options, ids=None):
        return self.braid.run(self.artefact, *options, "--ignore-eos", ids=ids)

    def cuts(self, length, pieces):
        """Bounds of random non-empty pieces of range(length)."""
        inner = sorted(self.random.sample(range(1, length), pieces - 1))
        return list(zip([0, *inner], [*inner, length]))


def near(report, subject, name, found, expected):
    """Judged in f32; in bf16 the rounding points move, so only reported."""
    error = relative_error(found, expected)
    if subject.precision == "f32":
        report.at_most(f"{subject.name} {name}", error, BAR)
    else:
        report.claim(f"{subject.name} {name}", np.isfinite(error), f"relative error {error:.3g}, finite")


def identical(report, subject, name, found, expected):
    """Same names, shapes and bits (so that -0 is not 0)."""
    different = [key for key in sorted(found.keys() | expected.keys()) if key not in found or key not in expected
                 or found[key].shape != expected[key].shape or found[key].tobytes() != expected[key].tobytes()]
    report.claim(f"{subject.name} {name}", not different, "differs in " + ", ".join(different) if different else "bit for bit")


def split_prefill(report, subject, tokens):
    ids, context = subject.ids(tokens), ["--context", tokens + 1]
    whole = subject.run("-n", 0, *context, ids=ids)["prompt.logits"]
    for pieces in (2, 3, 7):
        parts, session = [], None
        bounds = subject.cuts(tokens, pieces)
        for lo, hi in bounds:
            load = ["--load-session", session] if session else []
            session = subject.braid.fresh(".session")
            parts.append(subject.run("-n", 0, *context, *load, "--save-session", session, ids=ids[lo:hi])["prompt.logits"])
        at = ",".join(str(lo) for lo, _ in bounds[1:])
        near(report, subject, f"{tokens} tokens split at {at} == at once", np.concatenate(parts), whole)


def decode_is_prefill(report, subject, tokens, steps):
    ids, context = subject.ids(tokens), ["--context", tokens + steps + 1]
    found = subject.run("-n", steps, *context, ids=ids)
    longer = ids + found["decode.tokens"].tolist()[:-1]
    whole = subject.run("-n", 0, *context, ids=longer)["prompt.logits"]
    near(report, subject, f"prefill {tokens} + decode {steps} == at once", found["decode.logits"], whole[tokens - 1 :])


def threads(report, subject, tokens):
    ids = subject.ids(tokens)
    one = subject.run("-n", 8, "--threads", 1, ids=ids)
    for count in (2, 3, 5):
        identical(report, subject, f"{count} threads == 1 thread", subject.run("-n", 8, "--threads", count, ids=ids), one)


def ragged(report, subject, lengths):
    """--logits of a batch names its tensors N.prompt.logits, N.decode.logits."""
    lists = [subject.ids(count) for count in lengths]
    source = subject.braid.fresh(".jsonl")
    source.write_text("".join(json.dumps({"ids": ids}) + "\n" for ids in lists))
    together = subject.run("-n", 8, "--prompts-file", source)
    for row, ids in enumerate(lists):
        own = {key.split(".", 1)[1]: value for key, value in together.items() if key.startswith(f"{row}.")}
        identical(report, subject, f"row {row} ({len(ids)} tokens) of a ragged batch == alone", own, subject.run("-n", 8, ids=ids))


def mixed(report, subject):
    """Steps of sequences that begin, go on and decode at once; with a token
    changed, the check has to see it."""
    probe = subject.braid.path.parent / "braid-step-probe"
    for planted in ([], ["plant"]):
        done = subprocess.run([probe, "mixed", subject.artefact, subject.braid.place.name, *planted], env=subject.braid.place.environment(subject.artefact),
                              capture_output=True, text=True, timeout=600)
        report.claim(f"{subject.name} mixed steps == each sequence alone{', planted' if planted else ''}",
                     done.returncode == (3 if planted else 0), (done.stdout + done.stderr).strip())


def batches(report, subject, lengths):
    """A batch of one prompt, of two, ...: each row is as in a batch of its own."""
    lists = [subject.ids(count) for count in lengths]
    alone = [subject.run("-n", 3, ids=ids) for ids in lists]
    for count in range(1, len(lists) + 1):
        source = subject.braid.fresh(".jsonl")
        source.write_text("".join(json.dumps({"ids": ids}) + "\n" for ids in lists[:count]))
        together = subject.run("-n", 3, "--prompts-file", source)
        expected = {f"{row}.{key}": value for row, own in enumerate(alone[:count]) for key, value in own.items()}
        identical(report, subject, f"a batch of {count} == each alone", together, expected)


def sessions(report, subject, tokens):
    ids, session = subject.ids(tokens), subject.braid.fresh(".session")
    whole = subject.run("-n", 24, ids=ids)
    first = subject.run("-n", 12, "--save-session", session, ids=ids)
    saved = session.read_bytes()
    second = subject.run("-n", 12, "--load-session", session)
    joined = {key: np.concatenate([first[key], second[key]]) for key in ("decode.tokens", "decode.logits")}
    expected = {key: whole[key] for key in joined}
    identical(report, subject, "saved after 12 of 24 tokens == never stopped", joined, expected)
    more = subject.ids(5)
    left, other = (subject.run("-n", 4, "--load-session", session, ids=ids) for ids in (more, subject.ids(9)))
    again = subject.run("-n", 4, "--load-session", session, ids=more)
    identical(report, subject, "a fork after another fork ran == the first", again, left)
    report.claim(f"{subject.name} forks leave the session file alone", session.read_bytes() == saved, f"{len(saved)} bytes")


def choices(report, subject, tokens, steps):
    """The step's own choice, and after a restored session the host's. Two scores
    that are as near to each other as the last bits of a logarithm may change
    places."""
    for temperature, seed in ((0, 1), (0.8, 1), (1.5, 2**63)):
        ids, session, how = subject.ids(tokens), subject.braid.fresh(".session"), ("--temperature", temperature, "--seed", seed)
        first = subject.run("-n", steps, *how, "--save-session", session, ids=ids)
        then = subject.run("-n", steps, *how, "--load-session", session)
        found, logits = (np.concatenate([first[key], then[key]]) for key in ("decode.tokens", "decode.logits"))
        margins = []
        for place, (token, row) in enumerate(zip(found, logits)):
            score = scores(row, temperature, draw_key(seed, tokens + place))
            margins.append(float(np.max(score) - score[token]))
        report.claim(f"{subject.name} {2 * steps} tokens chosen at temperature {temperature}", max(margins) <= 1e-4,
                     f"at most {max(margins):.2g} below the best")


def check_gpu(report, subject, tokens):
    subject.name += f" on {subject.braid.place.name}"
    split_prefill(report, subject, tokens)
    decode_is_prefill(report, subject, 1, 20)
    decode_is_prefill(report, subject, subject.random.randrange(2, tokens), 10)
    sessions(report, subject, subject.random.randrange(2, tokens))
    choices(report, subject, 3, 6)
    if subject.precision == "f32":
        mixed(report, subject)
        ragged(report, subject, (1, 3, 40, 17, 2, 9))
        batches(report, subject, (5, 1, 2, 9, 3, 1, 8, 4, 6))
    else:
        ragged(report, subject, (9, 40, 17, 12, 10))
        batches(report, subject, (9, 12, 17, 9, 10, 33, 9, 11))


def check(report, options, folder):
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        try:
            place = Place(options.device, options.target)
            subject = Subject(options, folder, Braid(options.braid, scratch, timeout=1800, place=place))
            if options.device != "cpu":
                return check_gpu(report, subject, options.tokens)
            split_prefill(report, subject, options.tokens)
            decode_is_prefill(report, subject, 1, 40)
            decode_is_prefill(report, subject, subject.random.randrange(2, 100), 150)
            threads(report, subject, 150)
            sessions(report, subject, subject.random.randrange(2, 100))
            choices(report, subject, 9, 20)
            ragged(report, subject, (1, 3, 40, 17, 2, 129, 16))
        except (CommandFailed, OSError, KeyError, ValueError) as failure:
            report.claim(folder.name, False, f"{type(failure).__name__}: {failure}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--only", action="append", metavar="NAME", help="default: latent-moe, dense, long")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--tokens", type=int, help="length of the split prompts (700; 70 for GPU code)")
    Place.add_options(parser)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.tokens = options.tokens or (700 if options.device == "cpu" else 70)
    report = Report()
    for name in options.only or ("latent-moe", "dense", "long"):
        check(report, options, options.fixtures / name)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
