#!/usr/bin/python3
#===- interrupts.py - Ctrl-C, closed pipes, full disks ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Interrupts `braid run` and `braid compile`, and takes their output away."""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bad_input import judge
from harness import FIXTURES, Braid, Report

MODEL = FIXTURES / "storyteller"


class Bench:
    def __init__(self, options, scratch, report):
        self.braid, self.scratch, self.report = Path(options.braid).resolve(), Path(scratch), report
        self.random = random.Random(options.seed)
        self.model = self.scratch / "model.braid"
        Braid(self.braid, scratch).call("compile", MODEL, "-o", self.model, "--precision=f32", "-q")

    def start(self, *arguments, **options):
        return subprocess.Popen([self.braid, *map(str, arguments)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)

    def story(self, *more):
        return ["run", self.model, "--prompt", "Once upon a time", "--ignore-eos", *more]


def interrupted_runs(bench):
    """Text so far is written, in whole characters; exit code 130."""
    whole = bench.start(*bench.story("-q", "-n", "2000"), stdout=subprocess.PIPE).communicate()[0]
    for count in (1, 50, 500):
        child = bench.start(*bench.story(), stdout=subprocess.PIPE)
        begun = os.read(child.stdout.fileno(), count)
        while len(begun) < count:
            begun += os.read(child.stdout.fileno(), count - len(begun))
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=60)
        text = begun + rest
        right = child.returncode == 130 and text[: len(whole)] == whole[: len(text)]
        try:
            text.decode()
        except UnicodeDecodeError:
            right = False
        if b"error:" in errors or b"tokens/s" not in errors:
            right = False
        bench.report.claim(f"run interrupted after {count} bytes", right, f"exit code {child.returncode}, {len(text)} bytes of text")


def interrupted_batch(bench):
    """Every prompt gets its line, as far as it came."""
    prompts = bench.scratch / "prompts.jsonl"
    prompts.write_text('{"prompt": "Once"}\n{"prompt": "The"}\n')
    child = bench.start("run", bench.model, "--prompts-file", prompts, "--ignore-eos", stdout=subprocess.PIPE)
    os.read(child.stderr.fileno(), 1)   # where it runs is said when the model has been loaded
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    lines = out.decode().splitlines()
    cut = child.returncode == 130 and len(lines) == 2 and all('"finish":"interrupted"' in line for line in lines)
    bench.report.claim("batch interrupted", cut, f"exit code {child.returncode}, {len(lines)} lines")


def closed_pipes(bench):
    for ignored in False, True:
        child = bench.start(*bench.story("-q"), stdout=subprocess.PIPE, restore_signals=not ignored,
                            preexec_fn=(lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)) if ignored else None)
        os.read(child.stdout.fileno(), 5)
        child.stdout.close()
        errors = child.stderr.read().decode()
        code = child.wait(timeout=60)
        if ignored:
            complaints = judge(code, "", errors, "stdout")
        else:
            complaints = [] if code == -signal.SIGPIPE and not errors else [f"exit code {code}, {errors[:100]!r}"]
        bench.report.claim(f"pipe closed, SIGPIPE {'ignored' if ignored else 'as usual'}", not complaints, "; ".join(complaints) or f"exit code {code}")


def lost_output(bench):
    """A full disk or nothing at all as stdout is an error, never silence."""
    commands = {"run": bench.story("-q", "-n", "20"), "plan": ["plan", MODEL / "config.json"], "compile": ["compile", MODEL, "-q", "--stop-after=model"],
                "tokenize": ["tokenize", MODEL, "some text"], "inspect": ["inspect", bench.model], "help": ["--help"], "run --help": ["run", "--help"]}
    for name, command in commands.items():
        with open("/dev/full", "wb") as full:
            child = bench.start(*command, stdout=full)
            complaints = judge(child.wait(timeout=120), "", child.stderr.read().decode(), "stdout|standard output")
        bench.report.claim(f"{name}: stdout full", not complaints, "; ".join(complaints) or "refused")
    logits = bench.scratch / "logits.safetensors"
    child = bench.start(*bench.story("-q", "-n", "5", "--logits", logits), preexec_fn=lambda: os.close(1))
    complaints = judge(child.wait(timeout=120), "", child.stderr.read().decode(), "stdout")
    bench.report.claim("run: stdout closed", not complaints and not logits.exists(), "; ".join(complaints) or "refused")


def interrupted_compiles(bench):
    """Nothing is left of a compile that a signal has ended: at any time, and
    while the linker writes, which lives on for a moment."""
    place = bench.scratch / "place"
    place.mkdir()
    command = ["compile", MODEL, "-o", place / "model.braid"]
    begun = time.monotonic()
    bench.start(*command).communicate()
    whole = time.monotonic() - begun

    def linking(child):
        while child.poll() is None and not any(path.suffix == ".tmp" for path in place.iterdir()):
            time.sleep(0.0005)
        time.sleep(bench.random.uniform(0, 0.03))

    moments = {"": lambda child: time.sleep(bench.random.uniform(0.05, 0.9) * whole), " while it links": linking}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 3:
        for name, wait in moments.items():
            for path in place.iterdir():
                path.unlink()
            child = bench.start(*command)
            wait(child)
            child.send_signal(number)
            child.communicate(timeout=60)
            time.sleep(0.2)   # the linker, if it was at work, ends by itself
            left = sorted(path.name for path in place.iterdir())
            done = child.returncode == 0 and left == ["model.braid", "model.braid.weights"]
            bench.report.claim(f"compile ended by {signal.Signals(number).name}{name}", done or (child.returncode == -number and not left), f"exit code {child.returncode}, left {left}")


def killed_compiles(bench):
    """What a killed compile leaves goes with the next one to the same output;
    never what may belong to a process that lives, here or elsewhere."""
    place = bench.scratch / "killed"
    place.mkdir()
    command, left = ["compile", MODEL, "-o", place / "model.braid", "-q"], []
    child = bench.start(*command)
    while not left and child.poll() is None:
        left = [path.name for path in place.iterdir() if ".partial" in path.name]
    child.kill()
    child.communicate()
    left = sorted(path.name for path in place.iterdir())
    killed = re.fullmatch(r"model\.braid\.(\d+)-(\w{8})\.partial.*", left[0] if left else "")
    bench.report.claim("a killed compile leaves partial files", killed and int(killed[1]) == child.pid, str(left))
    kept = {f"model.braid.{os.getpid()}-{killed[2]}.partial", f"model.braid.weights.{child.pid}-00000000.partial", f"other.braid.{child.pid}-{killed[2]}.partial"} if killed else set()
    for name in kept:
        (place / name).touch()
    bench.start(*command).communicate()
    found = {path.name for path in place.iterdir()}
    bench.report.claim("the next compile removes them, and nothing else", found == kept | {"model.braid", "model.braid.weights"}, str(sorted(found)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        bench = Bench(options, scratch, report)
        for check in interrupted_runs, interrupted_batch, closed_pipes, lost_output, interrupted_compiles, killed_compiles:
            check(bench)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
