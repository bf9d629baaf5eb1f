#!/usr/bin/python3
#===- cuda.py - the device cuda, its driver played by a fake ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Real artefacts on the device `cuda`, without a GPU: the fake driver
(test/fake_cuda) runs kernels by their simulator functions. What it gives has to
be what `--device=sim` gives, bit for bit:

    logits of a prompt and of decode steps, hidden states, a ragged batch,
    a session saved and loaded (and its file), state beyond 256 tokens

Decode steps have to be replays of recorded ones, and errors name their layer.
What only a GPU can show: that its kernels compute what the simulator does.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness import FIXTURES, ROOT, Braid, CommandFailed, Report, manifest


class Subject:
    """A fixture, compiled for a GPU, on both devices."""

    def __init__(self, braid, fixture, precision, vocabulary):
        self.braid, self.name, self.vocabulary = braid, f"{fixture} {precision}", vocabulary
        self.artefact = braid.compile(FIXTURES / fixture, precision, "--target=sm_90a", "--with-sim")
        self.random = random.Random(7)

    def ids(self, count):
        return [self.random.randrange(self.vocabulary) for _ in range(count)]

    def settings(self, extra=""):
        os.environ["BRAID_FAKE_CUDA"] = f"artifact={self.artefact}{extra}"

    def both(self, *options, **given):
        """The same run on the simulator and on the fake GPU."""
        return [self.braid.run(self.artefact, *options, "--ignore-eos", f"--device={device}", **given) for device in ("sim", "cuda")]


def same(left, right):
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


def runs(report, subject):
    name = subject.name
    prompt, long = subject.ids(21), subject.ids(270)
    for what, arguments, given in (("prompt and decode", ("-n", 12), {"ids": prompt}),
                                   ("hidden states", ("-n", 0), {"ids": prompt[:9], "tensors": "--hidden"}),
                                   ("beyond 256 tokens", ("-n", 3, "--context", 300), {"ids": long})):
        report.claim(f"{name}: {what}", same(*subject.both(*arguments, **given)), "bit for bit")


def verified(report, subject):
    """braid verify compares with the reference schedule's logits there as well."""
    for device in ("sim", "cuda"):
        text = subject.braid.call("verify", subject.artefact, f"--device={device}").decode()
        report.claim(f"{subject.name}: braid verify --device={device}", text.count("sequences agree") == 3, text.splitlines()[-1])


def ragged(report, subject):
    prompts = [{"ids": subject.ids(length)} for length in (1, 7, 3, 12)]
    answers = [subject.braid.batch(subject.artefact, prompts, "-n", 6, f"--device={device}") for device in ("sim", "cuda")]
    report.claim(f"{subject.name}: a ragged batch", answers[0] == answers[1], f"{len(prompts)} prompts")


def sessions(report, subject):
    prompt, files, after = subject.ids(11), [], []
    for device in ("sim", "cuda"):
        files.append(subject.braid.fresh(".session"))
        subject.braid.run(subject.artefact, "-n", 3, "--ignore-eos", f"--device={device}", "--save-session", files[-1], ids=prompt)
    report.claim(f"{subject.name}: the saved session", files[0].read_bytes() == files[1].read_bytes(), "the same bytes from both devices")
    for device in ("sim", "cuda"):
        after.append(subject.braid.run(subject.artefact, "-n", 5, "--ignore-eos", f"--device={device}", "--load-session", files[1]))
    report.claim(f"{subject.name}: the loaded session", same(*after), "goes on bit for bit")


def graphs(report, subject):
    """Of 30 decode steps one is recorded; the host launches nothing for the
    others."""
    counts = []
    for tokens in (2, 31):
        path = subject.braid.fresh(".calls")
        subject.settings(f",calls={path}")
        subject.braid.run(subject.artefact, "-n", tokens, "--ignore-eos", "--device=cuda", ids=[5, 6])
        counts.append({name: int(n) for name, n in (line.split() for line in path.read_text().splitlines())})
    subject.settings()
    short, long = counts
    report.claim(f"{subject.name}: a decode step is recorded once", long["cuGraphInstantiate"] == 1 and long["cuGraphLaunch"] == 30,
                 f"{long['cuGraphInstantiate']} recorded, {long['cuGraphLaunch']} launched")
    report.claim(f"{subject.name}: the host launches no more for more tokens", short["cuLaunchKernel"] == long["cuLaunchKernel"],
                 f"{short['cuLaunchKernel']} and {long['cuLaunchKernel']} launches")


def errors(report, subject):
    def refusal(settings):
        subject.settings(settings)
        try:
            subject.braid.run(subject.artefact, "-n", 1, "--device=cuda", ids=[1, 2])
        except CommandFailed as failure:
            return str(failure)
        return "no error"
    text = refusal(",fail=cuLaunchKernel:40:1")
    report.claim(f"{subject.name}: a failed launch names kernel and layer", "kernel " in text and "(layer " in text, text[:160])
    subject.settings(",fail=cuGraphLaunch:3:700")
    done = subprocess.run([subject.braid.path, "run", subject.artefact, "--device=cuda", "-n", "9", "--ignore-eos", "--ids=1,2"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    *_, before, last, hint = ["", "", "", *done.stdout.splitlines()]
    report.claim(f"{subject.name}: an error behind text begins a line", done.returncode == 1 and last.startswith("error:") and before, repr(before[:40]) + last[:100])
    text = refusal(",cc=8.6")
    report.claim(f"{subject.name}: another GPU is named", "compute capability 8.6" in text and "sm_90a" in text, text[:160])
    text = refusal(",memory=3000000")
    report.claim(f"{subject.name}: too little memory", "out of memory" in text and ("are free" in text or "weights take" in text), text[:160])
    subject.settings()


def packed(subject, *names):
    """A folder as test/gpu/pack.sh makes it, with the subject at each of `names`."""
    pack = subject.braid.fresh("-pack")
    for name in names:
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(subject.artefact, pack / f"{name}.braid")
        shutil.copy(f"{subject.artefact}.weights", pack / f"{name}.braid.weights")
    return pack


def script(report, subject, braid_run):
    """What runs on a machine with a GPU (test/gpu) runs here, and sees a wrong
    reference."""
    pack = packed(subject, "fixtures/latent-moe/f32")
    folder = pack / "fixtures" / "latent-moe"
    for name in "reference.safetensors", "expected.json":
        shutil.copy(FIXTURES / "latent-moe" / name, folder)
    command = [sys.executable, ROOT / "test" / "gpu" / "gpu.py", "--part=conformance", "--braid-run", braid_run, "--pack", pack,
               "--fake", os.environ["BRAID_CUDA_LIBRARY"]]
    for planted in False, True:
        if planted:
            blob = bytearray((folder / "reference.safetensors").read_bytes())
            blob[-1] ^= 0x40        # an exponent
            (folder / "reference.safetensors").write_bytes(blob)
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
        last = (done.stdout + done.stderr).strip().splitlines()[-1]
        report.claim(f"test/gpu/gpu.py{', planted' if planted else ''}", done.returncode == planted and "passed" in last, last)


def sanitized(report, subject, braid_run):
    """Which kernels the sanitizers see, and that what they find counts; the
    simulator has the GPU's place, a script the sanitizer's."""
    pack = subject.braid.fresh("-pack")
    artefact = pack / "fixtures" / "latent-moe" / "bf16.braid"
    artefact.parent.mkdir(parents=True)
    subject.braid.call("compile", FIXTURES / "latent-moe", "-q", "--target=sm_90a", "--with-sim", "--golden=none", "-o", artefact)
    program, ran = subject.braid.fresh("-sanitizer"), subject.braid.fresh(".kernels")
    command = [sys.executable, ROOT / "test" / "gpu" / "gpu.py", "--part=sanitizers", "--tool=racecheck", "--braid-run", braid_run, "--pack", pack,
               "--sanitizer", program, "--device=sim"]
    for found in False, True:
        program.write_text("#!/bin/sh\n[ \"$1 $2 $3\" = '--tool racecheck --error-exitcode' ] || exit 1\n"
                           + ("echo 'Error: a hazard'; exit $4\n" if found else 'shift 4; exec "$@"\n'))
        program.chmod(0o755)
        done = subprocess.run(list(map(str, command)), env=dict(os.environ, BRAID_SIM_KERNELS=str(ran)), capture_output=True, text=True, timeout=300)
        line = next((line for line in done.stdout.splitlines() if "racecheck" in line), done.stderr)
        report.claim(f"test/gpu/gpu.py, sanitizers{', something found' if found else ''}", done.returncode == found and ("a hazard" in line) == found, line)
    names = {kernel["name"] for gpu in manifest(artefact.read_bytes())["gpus"] for kernel in gpu["kernels"]}
    idle = names - {line.split()[0] for line in ran.read_text().splitlines()}
    report.claim("test/gpu/gpu.py, sanitizers: kernels", len(names) > 20 and all(name == "step_tap" or "_mma128x128" in name for name in idle), f"all of {len(names)} but {sorted(idle)}")


def speed(report, subject, braid_run):
    """The same script's table: a step held against its prediction and a copy."""
    pack = packed(subject, "fixtures/a/f32", "bench/model")
    plan = subject.braid.call("plan", FIXTURES / "latent-moe", "--target=sm_90a", "--machine=h200", "--prompt=16", "--context=18", "--json")
    (pack / "bench" / "model.plan.json").write_bytes(plan)
    command = [sys.executable, ROOT / "test" / "gpu" / "gpu.py", "--part=speed", "--decode=4", "--braid-run", braid_run, "--pack", pack,
               "--fake", os.environ["BRAID_CUDA_LIBRARY"]]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
    row = next((line for line in done.stdout.splitlines() if line.startswith("| model | 1 |")), done.stdout + done.stderr)
    report.claim("test/gpu/gpu.py, speed", done.returncode == 0 and row.count("% (h200)") == 2 and "INFO copy: " in done.stdout, row)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command; the fake driver lies beside it")
    options = parser.parse_args()
    os.environ["BRAID_CUDA_LIBRARY"] = str(Path(options.braid).resolve().parent / "braid-fake-cuda.so")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        for fixture, precision, vocabulary in (("storyteller", "bf16", 1536), ("latent-moe", "f32", 256)):
            try:
                subject = Subject(Braid(options.braid, scratch), fixture, precision, vocabulary)
                subject.settings()
                for check in (runs, verified, ragged, sessions, graphs, errors):
                    check(report, subject)
            except (CommandFailed, OSError) as failure:
                report.claim(fixture, False, f"{type(failure).__name__}: {failure}")
            else:
                if precision == "f32":
                    script(report, subject, Path(options.braid).parent / "braid-run")
                    sanitized(report, subject, Path(options.braid).parent / "braid-run")
                    speed(report, subject, Path(options.braid).parent / "braid-run")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
