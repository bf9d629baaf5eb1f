#!/usr/bin/python3
#===- never.py - what must never happen ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each thing that Braid says it never does, with a planted mistake beside it
that the check must see:

  the runtime computes on weights or activations
  a step reads an expert that no token has chosen
  a step allocates memory
  code of a changed artefact, or of one that is only inspected, is loaded
  a killed compile leaves an artefact beside the weights of another
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import FIXTURES, Report

CLANG = "/usr/lib/llvm-22/bin/clang++"
# Object files that may multiply numbers, and which.
ARITHMETIC = {"Sampling.cpp.o": "probabilities of the next token", "Synthetic.cpp.o": "made-up weights", "Golden.cpp.o": "differences of logits",
              "Matrices.cpp.o": "tensor cores of the simulator", "Wgmma.cpp.o": "those of a warpgroup"}
MULTIPLY = re.compile(r"\s(v?mul[sp][sdh]|v?fn?m(?:add|sub)\w*|vdp\w*|v?pmadd\w+|tdp\w+|fmul|fmadd|fmla)\b")


def multiplying(archive):
    """(object file, function) of every function of an archive that multiplies
    fractions, or vectors of integers; and how many functions there are."""
    text = subprocess.run(["objdump", "-dC", "--no-show-raw-insn", archive], capture_output=True, text=True, check=True).stdout
    found, functions, source, function = set(), 0, None, None
    for line in text.splitlines():
        if file := re.match(r"(\S+):\s+file format", line):
            source = Path(file[1]).name
        elif label := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            function, functions = label[1], functions + 1
        elif MULTIPLY.search(line):
            found.add((source, function))
    return found, functions


def runtime_does_not_compute(bench):
    report, archive = bench.report, bench.build / "runtime" / "libbraid-rt.a"
    found, functions = multiplying(archive)
    strangers = sorted(f"{source}: {function}" for source, function in found if source not in ARITHMETIC)
    report.claim("no function of the runtime computes", functions > 100 and not strangers, "; ".join(strangers) or f"{functions} functions read")
    names = subprocess.run(["nm", "-C", "--defined-only", "--extern-only", archive], capture_output=True, text=True, check=True).stdout
    outside = [name for name in re.findall(r" T (.*)$", names, re.MULTILINE) if not re.match(r"(non-virtual thunk to )?braid::rt::|braid_|typeinfo", name)]
    report.claim("the runtime defines nothing but braid::rt and its C ABI", not outside, ", ".join(outside[:5]) or "checked")
    planted = bench.scratch / "Planted.cpp"
    planted.write_text("float dot(const float *a, const float *b, int n) { float s = 0; for (int i = 0; i < n; ++i) s += a[i] * b[i]; return s; }\n")
    subprocess.run([CLANG, "-O1", "-c", planted, "-o", bench.scratch / "Planted.o"], check=True)
    report.claim("planted: a dot product is seen", any("dot" in function for _, function in multiplying(bench.scratch / "Planted.o")[0]), "Planted.o")


class Bench:
    def __init__(self, braid, scratch, report):
        self.braid, self.scratch, self.report = Path(braid).resolve(), Path(scratch), report
        self.build = self.braid.parent.parent
        self.probe, self.shim = self.braid.parent / "braid-step-probe", self.braid.parent / "braid-shim.so"

    def call(self, *arguments, shim=None):
        """(exit code, stdout, stderr) of braid."""
        environment = dict(os.environ, LD_PRELOAD=str(self.shim), BRAID_SHIM=shim) if shim else None
        done = subprocess.run([self.braid, *map(str, arguments)], capture_output=True, env=environment, stdin=subprocess.DEVNULL, timeout=300)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def compile(self, checkpoint, artefact, *options, shim=None):
        return self.call("compile", checkpoint, "-o", artefact, "--precision=f32", "-q", *options, shim=shim)[0]

    def ids(self, artefact):
        """What 12 tokens the artefact continues a prompt with, or its error."""
        code, out, errors = self.call("run", artefact, "-q", "--ids=5,6,7,8", "-n", "12", "--ignore-eos")
        return (code, out) if code == 0 else (code, errors)


def step_touches(bench, name, *arguments):
    for extra, expected in ((), 0), (("plant",), 3):
        done = subprocess.run([bench.probe, *map(str, arguments), *extra], capture_output=True, text=True, timeout=300)
        lines = (done.stdout + done.stderr).strip().splitlines()
        bench.report.claim(f"planted: {name} is seen" if extra else f"no {name}", done.returncode == expected, f"exit code {done.returncode}, {lines[-1] if lines else ''}")


def code_is_not_loaded(bench, model):
    report = bench.report
    blob = model.read_bytes()
    code, _, _ = bench.call("run", model, "-q", "--ids=1", "-n", "1", shim="no-dlopen")
    report.claim("planted: loading code is seen", code == 66, f"exit code {code}")
    for at in (0, 60, len(blob) // 3, len(blob) // 2, len(blob) - 1):
        broken = bench.scratch / "broken.braid"
        broken.write_bytes(blob[:at] + bytes([blob[at] ^ 0x10]) + blob[at + 1 :])
        shutil.copy(f"{model}.weights", f"{broken}.weights")
        code, _, errors = bench.call("run", broken, "-q", "--ids=1", "-n", "1", shim="no-dlopen")
        report.claim(f"byte {at} changed: refused before its code is loaded", code == 1 and "error: " in errors, errors.split("\n")[0][:160] or f"exit code {code}")
    code, out, errors = bench.call("inspect", model, shim="no-dlopen")
    report.claim("inspect loads no code", code == 0 and bool(out), f"exit code {code}")


def other_checkpoint(bench):
    """The same model with another head: other weights, other tokens."""
    folder = bench.scratch / "other"
    shutil.copytree(FIXTURES / "latent-moe", folder, ignore=shutil.ignore_patterns("reference.*", "expected.*"))
    path = folder / "model.safetensors"
    blob = bytearray(path.read_bytes())
    for at in range(len(blob) - 40000, len(blob), 2):
        blob[at + 1] ^= 0x80        # the signs of BF16 numbers
    path.write_bytes(blob)
    return folder


def killed_compiles_leave_pairs(bench):
    """SIGKILL before and after every rename of a compile over an old artefact:
    what is there then runs, and is the old model or the new one."""
    report, other = bench.report, other_checkpoint(bench)
    place = bench.scratch / "pair"
    place.mkdir()
    model, weights = place / "model.braid", place / "model.braid.weights"
    bench.compile(FIXTURES / "latent-moe", model)
    old, saved = bench.ids(model), {path.name: path.read_bytes() for path in place.iterdir()}
    bench.compile(other, model)
    new = bench.ids(model)
    report.claim("old and new model answer differently", old[0] == 0 and new[0] == 0 and old != new, "so they can be told apart")
    answers, staged = [], 0
    for number in range(1, 40):
        for moment in "before", "after":
            shutil.rmtree(place)
            place.mkdir()
            for name, content in saved.items():
                (place / name).write_bytes(content)
            code = bench.compile(other, model, shim=f"{moment}:{number}")
            answer = bench.ids(model)
            kind = "old" if answer == old else "new" if answer == new else f"neither: {answer[1].strip()[:200]}"
            answers.append(kind)
            if code == -signal.SIGKILL:
                report.claim(f"compile killed {moment} rename {number}", kind in ("old", "new"), kind)
            extra = [path for path in place.iterdir() if re.search(r"\.weights\.[0-9a-f]{16}$", path.name)]
            if kind == "new" and extra and code:
                staged += 1
                extra[0].unlink()
                code_without, text = bench.ids(model)
                report.claim("planted: weights of another artefact are seen", code_without == 1 and "does not belong" in text, text.split("\n")[0][:160])
        if code == 0:
            break
    report.claim("the compile that is not killed ends", code == 0 and answers[-1] == "new", f"{number - 1} renames, {staged} times between the last two")
    report.claim("weights are at their place in the end", weights.exists() and not [path for path in place.iterdir() if path not in (model, weights)], ", ".join(path.name for path in place.iterdir()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command; what else is needed lies beside it")
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        bench = Bench(options.braid, scratch, report)
        runtime_does_not_compute(bench)
        model = bench.scratch / "model.braid"
        code = bench.compile(FIXTURES / "storyteller", model)
        report.claim("a model to look at", code == 0, f"exit code {code}")
        step_touches(bench, "expert that was not chosen is read", "experts", model, 4)
        step_touches(bench, "allocation in a step", "allocations", model)
        code_is_not_loaded(bench, model)
        killed_compiles_leave_pairs(bench)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
