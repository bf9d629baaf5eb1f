#!/usr/bin/python3
#===- run_fixtures.py - compiled models against reference results ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles and runs every fixture with `braid` and compares with its
reference.safetensors (test/fixtures/README.md).

f32:  the logits of every prompt, the hidden states, the greedy continuation and
      its logits: max abs difference / max abs reference <= 1e-5.
bf16: mean KL(reference || braid) over all prompts' positions, at most 1.25 x what
      honest BF16 costs where the model is trained (it comes with questions). The
      random models magnify rounding, so twice the cost is allowed; that still
      sees a router bias in BF16, which the trained model does not. Most of the
      trained model's cost is the rounding of logits, which Braid keeps in F32, so
      it also has a bar of its own, and a planted clamp of dt at 0.001 must be over
      it.
Both: the questions are answered as often as by the reference (within 1 %).
With --device=sim the GPU code is executed by the simulator, under all its checks,
against the same bars; then every kernel of the artefact must have run. With
--device=cuda a GPU executes it, or what BRAID_CUDA_LIBRARY names in its driver's place.
"""
import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from bad_checkpoints import edit_config
from harness import FIXTURES, Braid, CommandFailed, Place, Report, fixtures
from oracle.checkpoint import read_arrays
from oracle.compare import kl, prompts, relative_error

BAR = 1e-5          # f32, relative
TRAINED = 1.25      # bf16, times the honest KL
RANDOM = 2.0
OWN = 6.5e-6        # bf16, storyteller: 1.5 times what Braid costs on any ISA level
BATCH = 50          # questions asked at once
ANSWER_TOKENS = 16  # longest right answer: 10


def texts(reference, longest):
    """Ids and logits of the prompts of at most so many tokens, None: all; and of
    the first few tokens of one, as GPUs have kernels for each number of them."""
    every = {n: (reference[f"T{n}.ids"], reference[f"T{n}.logits"]) for n in prompts(reference)}
    for n in (1, 2, 3, 5):
        every.setdefault(n, tuple(whole[:n] for whole in every[17]))
    return {n: every[n] for n in sorted(every) if longest is None or n <= longest}


def check_f32(report, name, braid, artefact, reference, longest):
    for n, (ids, logits) in texts(reference, longest).items():
        found = braid.run(artefact, "-n", 0, ids=ids)
        report.at_most(f"{name} T{n}", relative_error(found["prompt.logits"], logits), BAR)
    if "T17.hidden" in reference:
        found = braid.run(artefact, "-n", 0, ids=reference["T17.ids"], tensors="--hidden")
        report.at_most(f"{name} T17.hidden", relative_error(found["hidden"], reference["T17.hidden"]), BAR)
    check_decode(report, name, braid, artefact, reference)


def check_decode(report, name, braid, artefact, reference):
    """The greedy continuation, end-of-text tokens ignored."""
    tokens = reference["decode.tokens"]
    found = braid.run(artefact, "-n", len(tokens), "--ignore-eos", ids=reference["decode.prompt"])
    same = np.array_equal(found["decode.tokens"], tokens)
    report.claim(f"{name} decode.tokens", same, f"{len(tokens)} tokens" if same else
                 f"expected {tokens.tolist()}, found {found['decode.tokens'].tolist()}")
    report.at_most(f"{name} decode.logits", relative_error(found["decode.logits"], reference["decode.logits"]), BAR)
    first = np.array_equal(found["decode.logits"][0], found["prompt.logits"][-1])
    report.claim(f"{name} decode starts from the prompt's last row", first, "bit for bit" if first else "differs")


def mean_kl(braid, artefact, reference, longest=None):
    distance = [kl(logits, braid.run(artefact, "-n", 0, ids=ids)["prompt.logits"])
                for ids, logits in texts(reference, longest).values()]
    return float(np.concatenate(distance).mean())


def check_own_bar(report, name, braid, folder, mean, reference):
    report.at_most(f"{name} bf16 KL, own bar", mean, OWN)
    clamped = braid.fresh("-clamped")
    shutil.copytree(folder, clamped)
    edit_config(clamped, time_step_limit=[0.001, "Infinity"])
    planted = mean_kl(braid, braid.compile(clamped, "bf16"), reference)
    report.claim(f"{name} bf16 KL, planted: dt clamped", planted > OWN, f"{planted:.3g}, bar {OWN:.3g}")


def check_bf16(report, name, braid, artefact, folder, reference, expected, longest):
    mean = mean_kl(braid, artefact, reference, longest)
    if folder.name == "storyteller" and longest is None:
        check_own_bar(report, name, braid, folder, mean, reference)
    report.at_most(f"{name} bf16 KL", mean, expected["bf16.kl"] * (TRAINED if "questions" in expected else RANDOM))


def is_right(text, answer):
    """A continuation answers a question if it begins with the right answer."""
    return text.strip().startswith(answer)


def check_questions(report, name, braid, artefact, folder, expected):
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    right = 0
    for at in range(0, len(questions), BATCH):
        batch = questions[at : at + BATCH]
        found = braid.batch(artefact, [{"prompt": q["prompt"]} for q in batch], "-n", ANSWER_TOKENS)
        right += sum(is_right(f["text"], q["answer"]) for f, q in zip(found, batch))
    reference = expected["f32.answered"]
    close = abs(right - reference) <= 0.01 * reference
    report.claim(f"{name} questions answered", close, f"{right} of {len(questions)}, reference {reference}")


def at_once(text):
    """A kernel phase whose contractions take their large tiles for few rows."""
    text, changes = re.subn(r"(tile = \[\d+, \d+), \d+", r"\1, 1", text)
    if not changes:
        raise ValueError("no schedule has a tile")
    return text


def check_large_tiles(report, name, braid, artefact, folder, reference):
    """Only thousands of rows would fill a GPU with large tiles; made to take them
    for few, contractions give the same sums."""
    large = braid.compile_edited(folder, "bf16", at_once)
    ids = reference[f"T{max(n for n in prompts(reference) if n < 150)}.ids"]
    small, other = (braid.run(which, "-n", 0, ids=ids)["prompt.logits"] for which in (artefact, large))
    report.claim(f"{name} large tiles == small tiles", np.array_equal(small, other), "bit for bit")


def check_many_sequences(report, name, braid, artefact, reference):
    """More sequences than the kernels of few rows take, of a row each in all steps
    but the first, and in that one too: whichever slots they have."""
    for length in (1, 3):
        prompts = [{"ids": [int(i) for i in reference["T17.ids"][at : at + length]]} for at in range(9)]
        one, other = (braid.batch(artefact, order, "-n", 3, "--ignore-eos") for order in (prompts, prompts[::-1]))
        same = [answer["ids"] for answer in one] == [answer["ids"] for answer in other[::-1]]
        report.claim(f"{name} nine sequences of {length} == the same in another order", same, f"{[answer['ids'] for answer in one][:3]}...")


def check_fixture(options, folder):
    """All checks of one fixture; a command that fails is one FAIL line."""
    report, name = Report(quiet=True), folder.name
    if options.place.run:
        name = f"{name} on {options.place.name}"
    reference = read_arrays(folder / "reference.safetensors")
    expected = json.loads((folder / "expected.json").read_text())
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        braid = Braid(options.braid, scratch, place=options.place)
        begun = time.monotonic()
        try:
            artefact = braid.compile(folder, options.precision, f"--schedule={options.schedule}")
            if options.precision == "f32":
                check_f32(report, name, braid, artefact, reference, options.longest)
            else:
                check_bf16(report, name, braid, artefact, folder, reference, expected, options.longest)
            if options.place.target and options.longest is None:
                if options.precision == "bf16":
                    check_large_tiles(report, name, braid, artefact, folder, reference)
                braid.run(artefact, "-n", 2, ids=reference["T17.ids"], tensors="--hidden")
                check_many_sequences(report, name, braid, artefact, reference)
                if options.device == "sim":
                    braid.claim_all_ran(report, name, artefact)
            if "questions" in expected and not options.no_questions:
                check_questions(report, name, braid, artefact, folder, expected)
        except (CommandFailed, OSError, KeyError, ValueError) as failure:
            report.claim(name, False, f"{type(failure).__name__}: {failure}")
    report.info(f"{name} {options.precision}", f"{time.monotonic() - begun:.0f} s")
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--only", action="append", metavar="NAME", help="this fixture only (repeatable)")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--schedule", choices=["vector", "reference"], default="vector")
    Place.add_options(parser)
    parser.add_argument("--longest", type=int, help="no longer prompts than so many tokens")
    parser.add_argument("--no-questions", action="store_true", help="skip what needs the tokenizer")
    parser.add_argument("--jobs", type=int, default=1, help="fixtures checked at once")
    options = parser.parse_args()
    options.place = Place(options.device, options.target)
    folders = [f for f in fixtures(options.fixtures) if not options.only or f.name in options.only]
    report = Report()
    with ThreadPoolExecutor(options.jobs) as pool:
        for part in pool.map(lambda folder: check_fixture(options, folder), folders):
            report.add(part)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
