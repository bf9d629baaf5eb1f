#!/usr/bin/python3
#===- compare_schedules.py - emitters against the definition of each op ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles models with --schedule=reference (every op's definition as plain
loops) and with the emitters, and compares them on random prompts, in f32:

    logits, and the hidden states after every layer     1e-5 of the largest
    prompt cut into odd pieces == the definition        1e-5
    ragged batch == the definition, prompt by prompt    1e-5
    the definition: ragged, cut == alone, at once       bit for bit

Models: fixtures, and ones of odd sizes with synthetic weights, where no
dimension is a multiple of a vector, a tile or a panel. Emitters: --target=native
and --target=cpu, or with --device=sim those of a GPU, under all checks of the
simulator; then every kernel must have run.

Synthetic weights have steps near 1 and D = 1, so now and then a group of heads
cancels to almost nothing and the gated norm makes it large again, with its
rounding: in such a row every f32 implementation, the definition too, is up to
9e-5 away from f64. There 9 of 10 rows must keep the bar, and all ten times it.

--precision=bf16: each kind of layer of the models of odd sizes alone. Emitters
round where the definition does, so that what a layer adds differs, in the mean,
by little beside what bf16 costs, its distance from f32. Tensor cores also round
one factor of a product inside attention and the scan: there by no more than that.
"""
import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from choice import CLEAR, narrowest_choice
from harness import FIXTURES, Braid, CommandFailed, Place, Report
from oracle.model import Model

BAR = 1e-5
UNLUCKY = 10 * BAR  # rows of synthetic models
TARGETS = ("native", "cpu")
LENGTHS = (1, 2, 7, 8, 9, 31, 64, 65, 131)
SHORT = (1, 7, 19)  # where a row costs a tenth of a second
ROUNDED, ALIKE = 1.0, 0.35   # of what bf16 costs: with a factor rounded, without
EVEN = ("groups", "head80", "nano")   # pairs of bf16 need even sizes
SEED = 7            # of synthetic weights
DRAWS = 100         # of a prompt; with 512 experts one of eight is clear

COMMON = dict(model_type="nemotron_h", layer_norm_epsilon=1e-5, tie_word_embeddings=False, use_conv_bias=True, mlp_hidden_act="relu2",
              mamba_hidden_act="silu", n_shared_experts=1, norm_topk_prob=True, routed_scaling_factor=2.5, max_position_embeddings=4096,
              eos_token_id=2, torch_dtype="bfloat16", time_step_limit=[0.0, "Infinity"])
MODELS = {
    "primes": dict(hybrid_override_pattern="MEM*-E", vocab_size=31, hidden_size=37, num_attention_heads=3, num_key_value_heads=1, head_dim=11,
                   mamba_num_heads=3, mamba_head_dim=5, n_groups=3, ssm_state_size=7, conv_kernel=3, chunk_size=5, intermediate_size=53,
                   n_routed_experts=5, num_experts_per_tok=2, moe_intermediate_size=13, moe_shared_expert_intermediate_size=29, moe_latent_size=17),
    "groups": dict(hybrid_override_pattern="EM*E", vocab_size=301, hidden_size=96, num_attention_heads=7, num_key_value_heads=7, head_dim=24,
                   mamba_num_heads=6, mamba_head_dim=20, n_groups=2, ssm_state_size=33, conv_kernel=2, chunk_size=48, time_step_limit=[0.01, 0.2],
                   n_routed_experts=33, num_experts_per_tok=22, n_group=3, topk_group=2, moe_intermediate_size=100,
                   moe_shared_expert_intermediate_size=72, norm_topk_prob=False),
    "head80": dict(hybrid_override_pattern="M-M*-", vocab_size=257, hidden_size=448, num_attention_heads=5, num_key_value_heads=1, head_dim=128,
                   mamba_num_heads=16, mamba_head_dim=80, n_groups=8, ssm_state_size=128, conv_kernel=4, chunk_size=128, intermediate_size=1568),
    "nano": dict(hybrid_override_pattern="ME*", vocab_size=257, hidden_size=2688, num_attention_heads=32, num_key_value_heads=2, head_dim=128,
                 mamba_num_heads=16, mamba_head_dim=64, n_groups=8, ssm_state_size=128, conv_kernel=4, chunk_size=128,
                 n_routed_experts=5, num_experts_per_tok=3, moe_intermediate_size=1856, moe_shared_expert_intermediate_size=928),
}
GPU = {"primes": dict(head_dim=12)}   # attention there needs a multiple of 4
SLOW = ("nano",)
QUICK_FIXTURES = ("latent-moe", "dense", "plain-moe")


class Subject:
    """A model compiled in every way: `artefacts` by name, `emitters` are the names
    of all but the definition, `braids` run them."""

    def __init__(self, options, name, scratch, **changes):
        self.precision = options.precision
        self.folder, self.name = Path(scratch), name
        self.random = random.Random(f"{options.seed} {name}")
        self.weights = [] if name not in MODELS else ["--synthetic-weights", SEED]
        changes |= GPU.get(name, {}) if options.device == "sim" else {}
        source = options.fixtures / name if name not in MODELS else self.config(name, changes)
        config = json.loads((source / "config.json" if source.is_dir() else source).read_text())
        self.vocabulary = config["vocab_size"]
        self.oracle = None if self.weights else Model(source)
        self.artefacts, self.braids = {}, {}
        self.compile(options, source, "definition", Place(), "--schedule=reference")
        if options.device == "cpu":
            for target in TARGETS:
                self.compile(options, source, target, Place(), f"--target={target}")
        else:
            place = Place(options.device, options.target)
            self.compile(options, source, place.name, place)
        self.emitters = list(self.artefacts)[1:]
        if self.precision == "bf16":
            self.compile(options, source, "exact", Place(), "--schedule=reference", precision="f32")

    def compile(self, options, source, which, place, *arguments, precision=None):
        folder = self.folder / which
        folder.mkdir()
        self.braids[which] = Braid(options.braid, folder, timeout=1800, place=place)
        self.artefacts[which] = self.braids[which].compile(source, precision or self.precision, *arguments)

    def config(self, name, changes):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(COMMON | MODELS[name] | changes))
        return path

    def ids(self, count):
        """A prompt whose experts are chosen clearly; synthetic weights, which the
        oracle does not have, are judged by more than their worst row."""
        for _ in range(DRAWS):
            ids = [self.random.randrange(self.vocabulary) for _ in range(count)]
            if not self.oracle or narrowest_choice(self.oracle, ids) >= CLEAR:
                return ids
        raise ValueError(f"no prompt of {count} tokens with a clear choice of experts in {DRAWS}")

    def run(self, which, *options, **ids):
        return self.braids[which].run(self.artefacts[which], "--ignore-eos", *self.weights, *options, **ids)

    def logits(self, which, ids):
        return self.run(which, "-n", 0, ids=ids)["prompt.logits"]

    def hidden(self, which, ids):
        return self.run(which, "-n", 0, ids=ids, tensors="--hidden")["hidden"]

    def cut(self, which, ids, bounds):
        """Logits of a prompt that is read piece by piece."""
        parts, session = [], None
        for lo, hi in zip([0, *bounds], [*bounds, len(ids)]):
            load = ["--load-session", session] if session else []
            session = self.braids[which].fresh(".session")
            parts.append(self.run(which, "-n", 0, *load, "--save-session", session, ids=ids[lo:hi])["prompt.logits"])
        return np.concatenate(parts)

    def ragged(self, which, prompts):
        source = self.braids[which].fresh(".jsonl")
        source.write_text("".join(json.dumps({"ids": ids}) + "\n" for ids in prompts))
        found = self.run(which, "-n", 0, "--prompts-file", source)
        return [found[f"{row}.prompt.logits"] for row in range(len(prompts))]


def row_errors(found, expected):
    """Of each row, the largest difference over the largest of all values;
    infinite where a value is not finite."""
    if found.shape != expected.shape:
        return np.full(len(expected), np.inf)
    errors = np.abs(found - expected).max(axis=-1) / np.abs(expected).max()
    return np.where(np.isfinite(errors), errors, np.inf)


class Agreement:
    """Collects comparisons of one kind; reports the worst of them."""

    def __init__(self, subject, name):
        self.subject, self.name, self.rows, self.worst, self.where = subject, name, [], -1.0, ""

    def add(self, where, found, expected):
        errors = row_errors(found, expected)
        self.rows.append(errors)
        if errors.max() > self.worst:
            self.worst, self.where = errors.max(), where

    def judge(self, report):
        name = f"{self.subject.name} {self.name}, worst: {self.where}"
        if self.subject.weights:
            report.at_most(f"{name}, 9 of 10 rows", np.quantile(np.concatenate(self.rows), 0.9), BAR)
            report.at_most(name, self.worst, UNLUCKY)
        else:
            report.at_most(name, self.worst, BAR)


def compare_lengths(report, subject, lengths):
    kinds = {(target, what): Agreement(subject, f"{target} {what}") for target in subject.emitters for what in ("logits", "hidden states")}
    for count in lengths:
        ids = subject.ids(count)
        logits, hidden = subject.logits("definition", ids), subject.hidden("definition", ids)
        for target in subject.emitters:
            kinds[target, "logits"].add(f"{count} tokens", subject.logits(target, ids), logits)
            for layer, (found, expected) in enumerate(zip(subject.hidden(target, ids), hidden, strict=True)):
                kinds[target, "hidden states"].add(f"{count} tokens, after layer {layer}", found, expected)
    for kind in kinds.values():
        kind.judge(report)


def identical(report, name, pairs):
    different = sum(found.tobytes() != expected.tobytes() for found, expected in pairs)
    report.claim(name, not different, f"{different} of {len(pairs)} differ" if different else "bit for bit")


def compare_cuts(report, subject, count):
    ids = subject.ids(count)
    whole = subject.logits("definition", ids)
    bounds = sorted(subject.random.sample(range(1, count), min(5, count - 1)))
    name = f"{count} tokens cut at {','.join(map(str, bounds))}"
    identical(report, f"{subject.name} definition, {name} == at once", [(subject.cut("definition", ids, bounds), whole)])
    for target in subject.emitters:
        kind = Agreement(subject, f"{target} cut")
        kind.add(name, subject.cut(target, ids, bounds), whole)
        kind.judge(report)


def compare_ragged(report, subject, lengths):
    prompts = [subject.ids(count) for count in lengths]
    alone = [subject.logits("definition", ids) for ids in prompts]
    identical(report, f"{subject.name} definition, ragged == alone", list(zip(subject.ragged("definition", prompts), alone)))
    for target in subject.emitters:
        kind = Agreement(subject, f"{target} ragged")
        for ids, found, expected in zip(prompts, subject.ragged(target, prompts), alone):
            kind.add(f"{len(ids)} tokens", found, expected)
        kind.judge(report)


def compare_roundings(report, options, name, scratch):
    for layer in sorted(set(MODELS[name]["hybrid_override_pattern"])):
        folder = Path(scratch) / f"layer{ord(layer)}"
        folder.mkdir()
        subject = Subject(options, name, folder, hybrid_override_pattern=layer)
        for count in (5, 65):
            ids = subject.ids(count)
            added = {which: np.diff(subject.hidden(which, ids), axis=0)[0] for which in subject.artefacts}
            distance = lambda which: float(np.sqrt(np.square(added[which] - added["definition"], dtype=np.float64).mean()))
            bar = ROUNDED if options.device == "sim" and layer in "M*" else ALIKE
            for which in subject.emitters:
                report.at_most(f"{name} {which} bf16, layer {layer}, {count} tokens, of what bf16 costs", distance(which) / distance("exact"), bar)


def all_ran(report, subject):
    which, = subject.emitters
    subject.run(which, "-n", 2, ids=subject.ids(5))
    subject.braids[which].claim_all_ran(report, subject.name, subject.artefacts[which])


def check(report, options, name):
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        try:
            if options.precision == "bf16":
                return compare_roundings(report, options, name, scratch)
            subject = Subject(options, name, scratch)
            lengths = SHORT if name in SLOW else LENGTHS
            compare_lengths(report, subject, lengths)
            compare_cuts(report, subject, lengths[-1] - 2)
            compare_ragged(report, subject, subject.random.sample(lengths, min(6, len(lengths))))
            if options.device == "sim":
                all_ran(report, subject)
        except (CommandFailed, OSError, KeyError, ValueError) as failure:
            report.claim(name, False, f"{type(failure).__name__}: {failure}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--only", action="append", metavar="NAME", help=f"a fixture, or one of {', '.join(MODELS)}")
    parser.add_argument("--all", action="store_true", help="every fixture, and the large models too")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    Place.add_options(parser)
    parser.add_argument("--seed", type=int, default=1, help="of the prompts")
    options = parser.parse_args()
    every = [path.parent.name for path in sorted(options.fixtures.glob("*/config.json"))] + list(MODELS)
    quick = [*QUICK_FIXTURES, *(name for name in MODELS if name not in SLOW)]
    if options.precision == "bf16":
        every, quick = EVEN, [name for name in EVEN if name not in SLOW]
    report = Report()
    for name in options.only or (every if options.all else quick):
        check(report, options, name)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
