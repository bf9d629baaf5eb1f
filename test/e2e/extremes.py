#!/usr/bin/python3
#===- extremes.py - weights that provoke overflow, underflow and NaN ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Changes weights of the `plain-moe` fixture until steps, decays, scores or
router logits overflow, vanish or tie, and checks that all results are finite and
those of the definition (--schedule=reference, f32).

A few cases are ill-conditioned: there the definition itself, being f32, is as
far from f64 as the emitters are (up to 1.7e-4, measured), and AMPLIFIED applies.

A NaN that a weight makes must spread as NaN, not as a crash, and only over the
text that it belongs to.
"""
import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from bad_checkpoints import edit_config
from harness import FIXTURES, Braid, CommandFailed, Report
from oracle.checkpoint import read_arrays, write_safetensors
from oracle.compare import relative_error

BAR = 1e-5
AMPLIFIED = 3e-4
ILL_CONDITIONED = ("steps of 10000", "steps of 30", "steps of all sizes", "steps that change by the token", "decay beyond f32",
                   "decay and steps of all sizes", "router sure of everything", "gate of the norm saturated")
FIXTURE, FILE = "plain-moe", "model.safetensors"
SHORT, LONG = 5, 100  # the scan's recurrence; its chunks
POISONED = 13         # a token id


def fill(value):
    return lambda w: np.full_like(w, value)


def times(factor):
    return lambda w: w * np.float32(factor)


def alternate(*values):
    """Heads get the values in turn."""
    return lambda w: np.resize(np.float32(values), w.shape)


def scale_steps(factor):
    """The rows of in_proj that give dt are the last ones, one per head (8)."""
    def change(w):
        w = w.copy()
        w[-8:] *= np.float32(factor)
        return w
    return change


def poison(w):
    w = w.copy()
    w[POISONED] = -np.inf   # its norm is NaN; a NaN itself is refused
    return w


# name: {end of a tensor's name: change}
CASES = {
    "steps of 10000": {"dt_bias": fill(1e4)},
    "steps of 30": {"dt_bias": fill(30)},
    "steps that underflow": {"dt_bias": fill(-100)},
    "steps that vanish": {"dt_bias": fill(-1e4)},
    "steps of all sizes": {"dt_bias": alternate(-80, -20, -5, 0, 5, 20, 80, 1e3)},
    "steps that change by the token": {"in_proj.weight": scale_steps(100)},
    "decay at once": {"A_log": fill(10)},
    "decay beyond f32": {"A_log": fill(80), "dt_bias": fill(30)},
    "decay infinite": {"A_log": fill(100)},
    "no decay": {"A_log": fill(-100)},
    "decay and steps of all sizes": {"A_log": alternate(3, -3, 8, 0, 5), "in_proj.weight": scale_steps(30)},
    "router sure of everything": {"gate.weight": times(1e4)},
    "router sure beyond f32": {"gate.weight": times(1e36)},
    "router with ties only": {"gate.weight": times(0), "e_score_correction_bias": fill(64)},
    "router bias of 1e30": {"e_score_correction_bias": times(1e30)},
    "scores of 1e8": {"q_proj.weight": times(1e4), "k_proj.weight": times(1e4)},
    "scores of 1e35": {"q_proj.weight": times(1e17), "k_proj.weight": times(1e17)},
    "scores all equal": {"q_proj.weight": times(0)},
    "embeddings that underflow": {"embeddings.weight": times(1e-40)},
    "embeddings of zero": {"embeddings.weight": times(0)},
    "embeddings of 1e15": {"embeddings.weight": times(1e15)},
    "gate of the norm saturated": {"in_proj.weight": times(1e3)},
    "logits of 1e30": {"lm_head.weight": times(1e30)},
}

# Experts 4 to 9, so far above the others that no score changes the choice.
APART = alternate(*[-9] * 4, *[0] * 6)
# name: biases of the router that must choose like APART, keys of the config
ALIKE = {
    "router biases near the lowest f32": (alternate(*[-3.3e38] * 4, *[-1.5e38] * 6), {}),
    "router biases of -inf": (alternate(*[-np.inf] * 4, *[-3.3e38] * 6), {}),
    "groups whose sums leave f32": (alternate(*[-3.3e38] * 4, *[-1.5e38] * 6), {"n_group": 5, "topk_group": 3}),
}


class Bench:
    def __init__(self, options, scratch, report):
        self.braid, self.fixture, self.report = Braid(options.braid, scratch), options.fixtures / FIXTURE, report
        self.tensors = read_arrays(self.fixture / FILE)
        random = np.random.default_rng(options.seed)
        choices = np.delete(np.arange(257), POISONED)
        self.prompts = {count: random.choice(choices, count).tolist() for count in (SHORT, LONG)}

    def checkpoint(self, name, changes):
        """A copy of the fixture with weights changed."""
        folder = self.braid.folder / name.replace(" ", "-")
        shutil.copytree(self.fixture, folder, ignore=shutil.ignore_patterns("reference*", FILE))
        changed = dict(self.tensors)
        for end, change in changes.items():
            names = [key for key in changed if key.endswith(end)]
            if not names:
                raise KeyError(end)
            for key in names:
                with np.errstate(over="ignore", under="ignore"):
                    changed[key] = np.float32(change(changed[key]))
        write_safetensors(folder / FILE, changed)
        return folder

    def run(self, artefact, ids):
        found = self.braid.run(artefact, "-n", 4, "--ignore-eos", ids=ids)
        return found["prompt.logits"], found["decode.logits"]

    def difference(self, found, expected):
        return max(relative_error(f, e) for ids in self.prompts.values()
                   for f, e in zip(self.run(found, ids), self.run(expected, ids)))

    def compare(self, name, changes):
        folder = self.checkpoint(name, changes)
        expected = self.braid.compile(folder, "f32", "--schedule=reference")
        worst = self.difference(self.braid.compile(folder, "f32"), expected)
        self.report.at_most(name, worst, AMPLIFIED if name in ILL_CONDITIONED else BAR)
        shutil.rmtree(folder)

    def alike(self, name, bias, config):
        apart, folder = (self.checkpoint(f"{name}{end}", {"e_score_correction_bias": change})
                         for end, change in ((", apart", APART), ("", bias)))
        for place in (apart, folder):
            edit_config(place, **config)
        expected = self.braid.compile(apart, "f32")
        for schedule in ("vector", "reference"):
            found = self.braid.compile(folder, "f32", f"--schedule={schedule}")
            self.report.at_most(f"{name}, {schedule}", self.difference(found, expected), BAR)

    def spread(self, schedule):
        """Runs a prompt with the poisoned token among others."""
        artefact = self.braid.compile(self.checkpoint(f"NaN {schedule}", {"embeddings.weight": poison}), "f32", f"--schedule={schedule}")
        clean, at = self.prompts[LONG], LONG // 2
        poisoned = [*clean[:at], POISONED, *clean[at + 1:]]
        alone, _ = self.run(artefact, clean)
        source = self.braid.fresh(".jsonl")
        source.write_text("".join(f'{{"ids": {ids}}}\n' for ids in (clean, poisoned, clean)))
        batch = self.braid.run(artefact, "-n", 0, "--prompts-file", source)
        first, second, third = (batch[f"{row}.prompt.logits"] for row in range(3))
        self.report.claim(f"NaN, {schedule}: its neighbours in a batch are as alone",
                          first.tobytes() == third.tobytes() == alone.tobytes(), "bit for bit")
        self.report.claim(f"NaN, {schedule}: the text before it", second[:at].tobytes() == alone[:at].tobytes(), "bit for bit")
        self.report.claim(f"NaN, {schedule}: its own logits and what follows", np.isnan(second[at:]).all(), "all NaN")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        bench = Bench(options, scratch, report)
        cases = {name: (bench.compare, changes) for name, changes in CASES.items()}
        cases |= {name: (bench.alike, *pair) for name, pair in ALIKE.items()}
        for name, (check, *changes) in cases.items():
            if options.only and name not in options.only:
                continue
            try:
                check(name, *changes)
            except CommandFailed as failure:
                report.claim(name, False, str(failure))
        for schedule in ("vector", "reference"):
            try:
                bench.spread(schedule)
            except CommandFailed as failure:
                report.claim(f"NaN, {schedule}", False, str(failure))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
