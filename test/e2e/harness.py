#===- harness.py - what the end-to-end tests share ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calling `braid`, and reporting one line per check."""
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from oracle.checkpoint import read_arrays  # noqa: E402

FIXTURES = ROOT / "test" / "fixtures"


class CommandFailed(Exception):
    """A command that should have succeeded did not. str(): its error line."""


class Report:
    """Collects checks. One line each: PASS, FAIL, or INFO for what is measured
    but not judged. Prints as it goes unless `quiet`."""

    def __init__(self, quiet=False):
        self.quiet, self.lines, self.passed, self.failed = quiet, [], 0, 0

    def say(self, line):
        self.lines.append(line)
        if not self.quiet:
            print(line, flush=True)

    def claim(self, name, holds, detail):
        self.passed += bool(holds)
        self.failed += not holds
        self.say(f"{'PASS' if holds else 'FAIL'} {name}: {detail}")

    def at_most(self, name, value, bar):
        """NaN fails, as any comparison with it is false."""
        self.claim(name, value <= bar, f"{value:.3g} {'<=' if value <= bar else '>'} {bar:.3g}")

    def info(self, name, detail):
        self.say(f"INFO {name}: {detail}")

    def add(self, other):
        """Takes over the checks of a report that was kept quiet."""
        self.passed += other.passed
        self.failed += other.failed
        for line in other.lines:
            self.say(line)

    def finish(self):
        """Prints the last line; returns the exit code."""
        self.say(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


class Place:
    """Where models run: options of `compile`, of `run`, and a name."""

    def __init__(self, device="cpu", target="sm_90a"):
        gpu, simulated = device != "cpu", device == "sim"
        # The fake driver runs the simulator's functions of the artefact that it is told of.
        self.fake = device == "cuda" and "BRAID_CUDA_LIBRARY" in os.environ
        self.name = f"{device}:{target}" if simulated else device
        self.target = target if gpu else None
        # The golden logits are those of the CPU's code.
        self.compile = [f"--target=cpu,{target}", "--golden=none", *(["--with-sim"] if simulated or self.fake else [])] if gpu else []
        self.run = [f"--device={self.name}"] if gpu else []

    def environment(self, artefact):
        """Of a program that runs the artefact there."""
        return dict(os.environ, BRAID_FAKE_CUDA=f"artifact={artefact}") if self.fake else dict(os.environ)

    @staticmethod
    def add_options(parser):
        parser.add_argument("--device", choices=["cpu", "sim", "cuda"], default="cpu",
                            help="sim: GPU code on the simulator; cuda: on a GPU, or by what BRAID_CUDA_LIBRARY names")
        parser.add_argument("--target", default="sm_90a", help="whose GPU code is made")


class Braid:
    """The `braid` command. `folder` is for its outputs; the caller owns it."""

    def __init__(self, path, folder, timeout=600, place=Place()):
        self.path, self.folder, self.timeout, self.place = Path(path).resolve(), Path(folder), timeout, place
        self.serial = 0
        self.simulated = self.folder / "simulated.kernels"   # names, by the simulator

    def call(self, *arguments):
        command = [str(self.path), *map(str, arguments)]
        environment = dict(self.place.environment(arguments[1] if len(arguments) > 1 else ""), BRAID_SIM_KERNELS=str(self.simulated))
        try:
            done = subprocess.run(command, capture_output=True, timeout=self.timeout, env=environment)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"`braid {arguments[0]}` did not end in {self.timeout} s") from None
        if done.returncode:
            lines = done.stderr.decode(errors="replace").splitlines()
            error = next((line for line in lines if "error:" in line), lines[-1] if lines else "no message")
            raise CommandFailed(f"`braid {arguments[0]}` exit code {done.returncode}: {error}")
        return done.stdout

    def fresh(self, suffix):
        """A path in the folder that no file has yet."""
        self.serial += 1
        return self.folder / f"{self.serial:04d}{suffix}"

    def compile(self, checkpoint, precision, *options):
        artefact = self.fresh(".braid")
        self.call("compile", checkpoint, "-o", artefact, f"--precision={precision}", *self.place.compile, *options)
        return artefact

    def compile_edited(self, checkpoint, precision, edit):
        """Compiles with edit(text) in the place of the kernel phase."""
        dump, artefact = self.fresh(".mlir"), self.fresh(".braid")
        self.call("compile", checkpoint, "-o", dump, f"--precision={precision}", *self.place.compile, "--stop-after=kernel")
        dump.write_text(edit(dump.read_text()))
        self.call("compile", dump, "-o", artefact, "--golden=none")
        return artefact

    def run(self, artefact, *options, ids=None, tensors="--logits"):
        """Runs on token ids (None: goes on from a session); returns the arrays
        that `tensors` (--logits or --hidden) wrote."""
        out = self.fresh(".safetensors")
        given = []
        if ids is not None:
            source = self.fresh(".ids")
            source.write_text(",".join(str(int(i)) for i in ids) + "\n")
            given = ["--ids-file", source]
        self.call("run", artefact, "-q", *self.place.run, *given, *options, tensors, out)
        arrays = read_arrays(out)
        out.unlink()
        return arrays

    def batch(self, artefact, prompts, *options):
        """prompts: a list of dictionaries with `prompt` or `ids`, run as one
        ragged batch; returns one dictionary per prompt, in their order."""
        source = self.fresh(".jsonl")
        source.write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
        out = self.call("run", artefact, "-q", *self.place.run, "--prompts-file", source, *options)
        answers = [json.loads(line) for line in out.decode().splitlines()]
        if len(answers) != len(prompts):
            raise CommandFailed(f"`braid run --prompts-file` gave {len(answers)} lines for {len(prompts)} prompts")
        return answers


    def claim_all_ran(self, report, name, artefact):
        """Is there a kernel of the artefact that the simulator has never run?"""
        ran = {line.split()[0] for line in self.simulated.read_text().splitlines()}
        gpu, = (gpu for gpu in manifest(artefact.read_bytes())["gpus"] if gpu["target"] == self.place.target)
        idle = [kernel["name"] for kernel in gpu["kernels"] if kernel["name"] not in ran]
        report.claim(f"{name} every kernel has run", not idle, f"not {', '.join(idle)}" if idle else f"{len(gpu['kernels'])} kernels")


def fixtures(folder):
    """Every folder of `folder` that has reference results."""
    return sorted(path.parent for path in Path(folder).glob("*/reference.safetensors"))


#===- artefacts as bytes ---===#


def sections(data):
    """Name -> (offset, bytes) of a 64-bit ELF file."""
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    text = lambda at: data[rows[names][4] + at:].split(b"\0", 1)[0].decode()
    return {text(row[0]): (row[4], row[5]) for row in rows}


def manifest(data):
    offset, size = sections(data)[".braid.manifest"]
    return json.loads(data[offset : offset + size])


def seal(data):
    """Gives a changed artefact, a bytearray, the seal of an intact one."""
    at = sections(data)[".braid.seal"][0] + 8
    data[at:at + 32] = bytes(32)
    data[at:at + 32] = hashlib.sha256(data).digest()


def with_manifest(blob, change):
    """A sealed artefact whose manifest is change(manifest), a text of bytes that
    may be as long as the old one's with its line breaks."""
    data = bytearray(blob)
    offset, size = sections(data)[".braid.manifest"]
    text = change(re.sub(rb"\n\s*", b" ", bytes(data[offset : offset + size])))
    data[offset : offset + size] = text.ljust(size)
    seal(data)
    return bytes(data)
