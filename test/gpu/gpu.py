#!/usr/bin/python3
#===- gpu.py - conformance, sanitizers and speed on a GPU ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs what test/gpu/pack.sh packed with braid-run on the device `cuda`:

  conformance   every fixture against its reference, with the bars of run_fixtures.py,
                and whether a batch, a saved session and a replayed step change anything
  sanitizers    memcheck, racecheck, initcheck, synccheck of compute-sanitizer
  speed         prompts and decode with made-up weights

The last lines are a table for docs/performance.md.
"""
import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness import Braid, CommandFailed, Report  # noqa: E402
from oracle.checkpoint import read_arrays  # noqa: E402
from run_fixtures import check_bf16, check_f32  # noqa: E402

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
SANITIZED = ("storyteller", "latent-moe")     # every kernel family, small, in each form that was packed
FOUND = 99                                    # exit code if a tool finds something
PROMPT, DECODE = 2048, 128
PARTS = ("conformance", "sanitizers", "speed")


class Runner(Braid):
    """braid-run, which has no subcommands, on a device."""

    def __init__(self, options, folder):
        super().__init__(options.braid_run, folder, timeout=options.timeout)
        self.device, self.fake = options.device, options.fake

    def prepare(self, artefact):
        """Which driver the next run finds."""
        if self.fake:
            os.environ["BRAID_CUDA_LIBRARY"] = str(Path(self.fake).resolve())
            os.environ["BRAID_FAKE_CUDA"] = f"artifact={artefact},memory={16 << 30}"

    def call(self, *arguments):
        if arguments[0] == "run":
            arguments = arguments[1:]
        self.prepare(arguments[0])
        return super().call(*arguments, f"--device={self.device}")

    def told(self, artefact, *arguments):
        """What a run says on stderr."""
        self.prepare(artefact)
        done = subprocess.run([str(self.path), str(artefact), *map(str, arguments), f"--device={self.device}"],
                              capture_output=True, timeout=self.timeout)
        text = done.stderr.decode(errors="replace")
        if done.returncode:
            lines = text.strip().splitlines() or [f"exit code {done.returncode}"]
            raise CommandFailed(next((line for line in lines if "error:" in line), lines[-1]))
        return text


def sameness(report, name, runner, artefact, reference):
    """A step gives the same in a batch, after a save, and when it is replayed
    for the second time."""
    prompts = [reference[f"T{n}.ids"].tolist() for n in (1, 5, 17) if f"T{n}.ids" in reference]
    requests = [{"ids": ids} for ids in prompts]
    together = runner.batch(artefact, requests, "-n", 8, "--ignore-eos")
    again = runner.batch(artefact, requests, "-n", 8, "--ignore-eos")
    report.claim(f"{name} twice", together == again, "the same tokens")
    saved = runner.fresh(".session")
    whole = runner.run(artefact, "-n", 12, "--ignore-eos", ids=prompts[-1])["decode.logits"]
    runner.run(artefact, "-n", 4, "--ignore-eos", "--save-session", saved, ids=prompts[-1])
    rest = runner.run(artefact, "-n", 8, "--ignore-eos", "--load-session", saved)["decode.logits"]
    report.claim(f"{name} saved and loaded", np.array_equal(whole[4:], rest), "bit for bit")


def conformance(report, options, scratch):
    for folder in sorted((options.pack / "fixtures").iterdir()):
        reference = read_arrays(folder / "reference.safetensors")
        expected = json.loads((folder / "expected.json").read_text()) if (folder / "expected.json").exists() else {}
        for artefact in sorted(folder.glob("*.braid")):
            runner, name = Runner(options, scratch), f"{folder.name} {artefact.stem}"
            try:
                if artefact.stem == "f32":
                    check_f32(report, name, runner, artefact, reference, longest=None)
                else:
                    check_bf16(report, name, runner, artefact, folder, reference, expected, longest=None)
                sameness(report, name, runner, artefact, reference)
            except (CommandFailed, OSError, KeyError, ValueError) as failure:
                report.claim(name, False, f"{type(failure).__name__}: {failure}")


def sanitizers(report, options, scratch):
    program = shutil.which(options.sanitizer)
    if not program:
        report.info("compute-sanitizer", "not on PATH: kernels were not checked by it")
        return
    for artefact in sorted(path for name in SANITIZED for path in (options.pack / "fixtures" / name).glob("*.braid")):
        for tool in TOOLS:
            sanitize(report, options, Runner(options, scratch), [program, "--tool", tool], artefact)


def sanitize(report, options, runner, tool, artefact):
    """More rows than the small kernels take, then decode steps."""
    runner.prepare(artefact)
    command = [*tool, "--error-exitcode", FOUND, options.braid_run, artefact, f"--device={options.device}", "-q",
               "--ids=" + ",".join(str(i) for i in range(1, 24)), "-n", 3, "--ignore-eos"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=options.timeout)
    errors = [line for line in done.stdout.splitlines() if "ERROR SUMMARY" in line or "Error" in line or "Invalid" in line]
    report.claim(f"{artefact.parent.name} {artefact.stem} {tool[-1]}", done.returncode == 0,
                 "nothing found" if done.returncode == 0 else " ".join(errors[:3])[:300] or done.stderr[:300])


def speeds(text):
    """Tokens per second of the prompt and of decoding."""
    found = re.search(r"prompt: \d+ tokens?, ([\d.]+) tokens/s; decode: \d+ tokens?, ([\d.]+) tokens/s", text)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def bench(report, options, scratch):
    """Rows of the table: model, sequences, tokens per second."""
    rows = []
    for artefact in sorted((options.pack / "bench").glob("*.braid")):
        runner = Runner(options, scratch)
        ids = [(7 + 31 * i) % 250 for i in range(options.prompt)]
        source = runner.fresh(".ids")
        source.write_text(",".join(map(str, ids)))
        several = runner.fresh(".jsonl")
        several.write_text("".join(json.dumps({"ids": ids[: options.prompt // 8]}) + "\n" for _ in range(8)))
        common = ("--synthetic-weights=1", "--ignore-eos", "-n", options.decode)
        for sequences, given in ((1, ("--ids-file", source)), (8, ("--prompts-file", several))):
            try:
                prompt, decode = speeds(runner.told(artefact, *given, *common))
                report.claim(f"{artefact.stem}, {sequences} sequences", prompt > 0 and decode > 0, f"prompt {prompt}, decode {decode} tokens/s")
                rows.append(f"| {artefact.stem} | {sequences} | {prompt:.1f} | {decode:.1f} |")
            except (CommandFailed, subprocess.TimeoutExpired) as failure:
                report.claim(f"{artefact.stem}, {sequences} sequences", False, str(failure)[:300])
    return rows


def describe(options, scratch):
    """The device's name, as braid-run says it."""
    artefact = next(iter(sorted((options.pack / "fixtures").glob("*/f32.braid"))))
    text = Runner(options, scratch).told(artefact, "--ids=1", "-n", 1)
    return re.search(r"; on (.*), context", text)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid-run", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True, help="what pack.sh made")
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N")
    parser.add_argument("--part", action="append", choices=PARTS, help="this part only (repeatable)")
    parser.add_argument("--sanitizer", default="compute-sanitizer")
    parser.add_argument("--prompt", type=int, default=PROMPT, help="tokens of a measured prompt")
    parser.add_argument("--decode", type=int, default=DECODE, help="tokens to measure")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for one run")
    parser.add_argument("--fake", help="a library in the driver's place: tests this script")
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-gpu-") as scratch:
        try:
            device = describe(options, scratch)
        except CommandFailed as failure:
            print(f"error: no run on {options.device}: {failure}", file=sys.stderr)
            return 1
        report.info("device", device)
        parts = options.part or PARTS
        if "conformance" in parts:
            conformance(report, options, scratch)
        if "sanitizers" in parts:
            sanitizers(report, options, scratch)
        rows = bench(report, options, scratch) if "speed" in parts else []
    print(f"\n{datetime.date.today()}, {device}; {report.passed} checks passed, {report.failed} failed\n")
    if rows:
        print("| model, made-up weights | sequences | prompt, tokens/s | decode, tokens/s |\n|---|---|---|---|")
        print("\n".join(rows) + "\n")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
