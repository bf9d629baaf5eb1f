#!/usr/bin/python3
#===- gpu.py - conformance, sanitizers and speed on a GPU ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs what test/gpu/pack.sh packed with braid-run on the device `cuda`:

  conformance   every fixture against its reference, with the bars of run_fixtures.py,
                and whether a batch, a saved session and a replayed step change anything
  sanitizers    memcheck, racecheck, initcheck, synccheck of compute-sanitizer over
                every fixture, in one run of ten requests: it takes all kernels but
                those of --hidden and the largest tiles of mma.sync
  speed         prompts and decode with made-up weights, beside what copies and
                cuBLAS reach on the same GPU and what braid plan predicted;
                "gemm" is a model of nothing but products 4096^3

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

import limits
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness import Braid, CommandFailed, Report  # noqa: E402
from oracle.checkpoint import read_arrays  # noqa: E402
from run_fixtures import check_bf16, check_f32, check_many_sequences  # noqa: E402

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
FOUND = 99                                    # exit code if a tool finds something
PROMPT, DECODE = 2048, 128
WAVES = 4                                     # prompts after each other in a measurement
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
        try:
            done = subprocess.run([str(self.path), str(artefact), *map(str, arguments), f"--device={self.device}"],
                                  capture_output=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"not done after {self.timeout} s") from None
        text = done.stderr.decode(errors="replace")
        if done.returncode:
            lines = text.strip().splitlines() or [f"exit code {done.returncode}"]
            raise CommandFailed(next((line for line in lines if "error:" in line), lines[-1]).removeprefix("error: "))
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
        expected = json.loads((folder / "expected.json").read_text())
        for artefact in sorted(folder.glob("*.braid")):
            runner, name = Runner(options, scratch), f"{folder.name} {artefact.stem}"
            try:
                if artefact.stem == "f32":
                    check_f32(report, name, runner, artefact, reference, longest=None)
                else:
                    check_bf16(report, name, runner, artefact, folder, reference, expected, longest=None)
                sameness(report, name, runner, artefact, reference)
                check_many_sequences(report, name, runner, artefact, reference)
            except (CommandFailed, OSError, KeyError, ValueError) as failure:
                report.claim(name, False, f"{type(failure).__name__}: {failure}")


def sanitizers(report, options, scratch):
    program = shutil.which(options.sanitizer)
    if not program:
        report.info("compute-sanitizer", "not on PATH: kernels were not checked by it")
        return
    # Prompts that fill the context one after the other: a step of many rows,
    # then decode steps of ten sequences, of nine, ..., of one.
    requests = Path(scratch) / "requests.jsonl"
    requests.write_text("".join(json.dumps({"ids": [(7 * i + k) % 125 + 1 for i in range(22 + k)]}) + "\n" for k in range(10)))
    for artefact in sorted((options.pack / "fixtures").glob("*/*.braid")):
        for tool in options.tool or TOOLS:
            sanitize(report, options, Runner(options, scratch), [program, "--tool", tool], artefact, requests)


def sanitize(report, options, runner, tool, artefact, requests):
    runner.prepare(artefact)
    command = [*tool, "--error-exitcode", FOUND, options.braid_run, artefact, f"--device={options.device}", "-q",
               "--prompts-file", requests, "--context", 32, "--ignore-eos", "--logits", runner.fresh(".safetensors")]
    name = f"{artefact.parent.name} {artefact.stem} {tool[-1]}"
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        report.claim(name, False, f"not done after {options.timeout} s")
        return
    errors = [line for line in done.stdout.splitlines() if "ERROR SUMMARY" in line or "Error" in line or "Invalid" in line]
    report.claim(name, done.returncode == 0, "nothing found" if done.returncode == 0 else " ".join(errors[:3])[:300] or done.stderr[:300])


def speeds(text):
    """Tokens per second of the prompt and of decoding."""
    found = re.search(r"prompt: \d+ tokens?, ([\d.]+) tokens/s; decode: \d+ tokens?, ([\d.]+) tokens/s", text)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def predicted(artefact):
    """The steps that braid plan predicted when the artefact was packed: decode
    and prefill; none if it was not asked to."""
    plan = artefact.with_suffix(".plan.json")
    return {step["step"]: step for step in json.loads(plan.read_text())["steps"]} if plan.exists() else {}


def share(step, seconds, what):
    """What a step reached per second, of its bytes or FLOPs, and its prediction's
    error: +10 % is a prediction of 10 % more time than was measured."""
    return {"rate": step[what] / seconds, "error": step["seconds"] / seconds - 1, "machine": step["machine"]}


def foreseen(steps, prompt, decode):
    """Whether these lengths are those of the prediction."""
    return bool(steps) and (steps["prefill"]["rows"], steps["decode"]["context"]) == (prompt, prompt + decode // 2)


def measure(options, scratch, artefact, sequences, steps):
    """Tokens per second of prompts and of decoding, mean of several waves in one
    process, with what they reach where they were predicted (one sequence)."""
    runner = Runner(options, scratch)
    length = options.prompt or steps.get("prefill", {}).get("rows", PROMPT)
    ids = [(7 + 31 * i) % 250 for i in range(length // sequences)]
    several = runner.fresh(".jsonl")
    several.write_text((json.dumps({"ids": ids}) + "\n") * sequences * WAVES)
    prompt, decode = speeds(runner.told(artefact, "--prompts-file", several, "--max-sequences", sequences, "--context",
                                        length + options.decode, "--synthetic-weights=1", "--ignore-eos", "-n", options.decode))
    result = {"model": artefact.stem, "sequences": sequences, "prompt": prompt, "decode": decode}
    if sequences == 1 and prompt and decode and foreseen(steps, length, options.decode):
        result["prefilled"] = share(steps["prefill"], length / prompt, "flops")
        result["decoded"] = share(steps["decode"], 1 / decode, "bytes")
    return result


def bench(report, options, scratch):
    results = []
    for artefact in sorted((options.pack / "bench").glob("*.braid")):
        steps = predicted(artefact)
        for sequences in (1, 8):
            name = f"{artefact.stem}, {sequences} sequences"
            try:
                result = measure(options, scratch, artefact, sequences, steps)
                report.claim(name, result["prompt"] > 0 and result["decode"] > 0,
                             f"prompt {result['prompt']}, decode {result['decode']} tokens/s")
                results.append(result)
            except CommandFailed as failure:
                report.claim(name, False, str(failure)[:300])
    return results


def references(report, options):
    """What this GPU's copies and cuBLAS reach, if they can be measured."""
    found, size = {}, limits.COPIED
    wanted = [("copy", "TB/s read and written", lambda gpu: gpu.copy_bandwidth(size)),
              ("cuBLAS 4096^3 bf16", "TFLOP/s", lambda gpu: gpu.gemm_flops(4096))]
    if options.fake:            # has no speed, and cuBLAS must not meet it
        os.environ["BRAID_CUDA_LIBRARY"], size = str(Path(options.fake).resolve()), 1 << 20
        wanted.pop()
    try:
        with limits.Gpu(int(options.device.partition(":")[2] or 0)) as gpu:
            for name, unit, measured in wanted:
                try:
                    found[name] = measured(gpu)
                    report.info(name, f"{found[name] / 1e12:.2f} {unit}")
                except limits.NotMeasured as why:
                    report.info(name, f"not measured: {why}")
    except limits.NotMeasured as why:
        report.info("references", f"not measured: {why}")
    return found


def table(results, found):
    """For docs/performance.md."""
    def against(what, limit, digits):
        """A rate in T/s, in brackets of the reference, then the prediction's error."""
        if not what:
            return "- | -"
        of = f" ({what['rate'] / found[limit]:.2f})" if limit in found else ""
        return f"{what['rate'] / 1e12:.{digits}f}{of} | {what['error']:+.0%} ({what['machine']})"

    lines = ["| model, made-up weights | sequences | prompt, tokens/s | TFLOP/s (of cuBLAS) | prediction's error "
             "| decode, tokens/s | TB/s (of a copy) | prediction's error |", "|---|---|---|---|---|---|---|---|"]
    for r in results:
        lines.append(f"| {r['model']} | {r['sequences']} | {r['prompt']:.1f} | {against(r.get('prefilled'), 'cuBLAS 4096^3 bf16', 0)} "
                     f"| {r['decode']:.1f} | {against(r.get('decoded'), 'copy', 2)} |")
    return "\n".join(lines)


def describe(options, scratch):
    """The device's name, as braid-run says it."""
    artefact = min((options.pack / "fixtures").glob("*/*.braid"), default=None)
    if not artefact:
        raise CommandFailed(f"{options.pack} has no fixtures")
    text = Runner(options, scratch).told(artefact, "--ids=1", "-n", 1)
    return re.search(r"; on (.*), context", text)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid-run", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True, help="what pack.sh made")
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N")
    parser.add_argument("--part", action="append", choices=PARTS, help="this part only (repeatable)")
    parser.add_argument("--sanitizer", default="compute-sanitizer", help="the program")
    parser.add_argument("--tool", action="append", choices=TOOLS, help="of the sanitizer, this one only (repeatable)")
    parser.add_argument("--prompt", type=int, help=f"tokens of a measured prompt (as predicted, else {PROMPT})")
    parser.add_argument("--decode", type=int, default=DECODE, help="tokens to measure")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for one run")
    parser.add_argument("--fake", help="a library in the driver's place: tests this script")
    options = parser.parse_args()
    os.environ["CUDA_MODULE_LOADING"] = "EAGER"     # not in what is measured
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
        results, found = [], {}
        if "speed" in parts:
            found = references(report, options)
            results = bench(report, options, scratch)
    print(f"\n{datetime.date.today()}, {device}; {report.passed} checks passed, {report.failed} failed\n")
    if results:
        print(table(results, found) + "\n")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
