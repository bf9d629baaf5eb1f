#!/usr/bin/python3
#===- runtime_alone.py - the runtime builds and links without LLVM ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds `runtime/` by itself, as a machine without LLVM would, and looks at what
the compiler really read and the linker really linked. Then runs with it what
`braid compile --target=cpu` writes, as somebody who ships a binary would."""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLANG = "/usr/lib/llvm-22/bin/clang++"
READELF = "/usr/lib/llvm-22/bin/llvm-readelf"
# LLVM's and the compiler side's headers; the compiler's own stddef.h and the
# like lie under lib/clang and are not LLVM's.
FOREIGN = re.compile(r"(?:^|/)(?:llvm|llvm-c|mlir|mlir-c|clang|clang-c|braid)/[^/].*\.(?:h|inc|def)$")
OWN = "/lib/clang/"


def foreign_headers(paths):
    return sorted({path for path in paths if FOREIGN.search(path.removeprefix(str(ROOT))) and OWN not in path})


def output(*command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def claim(self, what, holds, detail=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"{'PASS' if holds else 'FAIL'} {what}{': ' if detail else ''}{detail}", flush=True)
        return holds

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def build(folder, static):
    code, text = output("cmake", "-G", "Ninja", "-S", ROOT / "runtime", "-B", folder, f"-DCMAKE_CXX_COMPILER={CLANG}",
                        "-DCMAKE_DISABLE_FIND_PACKAGE_LLVM=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON", f"-DBRAID_STATIC={static}", "-U", "pkgcfg_lib_*")
    if not code:
        code, text = output("ninja", "-C", folder)
    return code, text


def headers_read(folder):
    """All that ninja recorded from the compiler."""
    text = output("ninja", "-C", folder, "-t", "deps")[1]
    return {line.strip() for line in text.splitlines() if line.startswith("    ")}


def ship(checks, braid, program):
    """The portable artefact and braid-run, copied to a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="braid-ship-") as folder:
        model, prompt = Path(folder) / "model.braid", ["--prompt", "Once upon a time", "-n", "40", "-q"]
        code, text = output(braid, "compile", ROOT / "test/fixtures/storyteller", "--target=cpu", "-o", model, "-q")
        if not checks.claim("braid compile --target=cpu", code == 0, text[:300]):
            return
        there, here = output(program, model, *prompt), output(braid, "run", model, *prompt)
        checks.claim("braid-run tells a story", there[0] == 0 and len(there[1]) > 80, there[1][:60])
        checks.claim("the same as braid run", there == here)
        log = output(program, model, *prompt[:-1])[1]
        checks.claim("text and summary in one log are lines of their own", there[1] + "\nprompt: " in log, log[-200:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "runtime-alone")
    parser.add_argument("--braid", type=Path, required=True, help="the braid command")
    options = parser.parse_args()
    folder = options.build
    checks = Checks()
    code, text = build(folder, "OFF")
    if not checks.claim("cmake -S runtime builds", code == 0, "" if code == 0 else text[-2000:]):
        return checks.finish()
    headers = headers_read(folder)
    foreign = foreign_headers(headers)
    checks.claim("no header of LLVM or of the compiler is read", headers and not foreign, f"{len(headers)} headers, {foreign[:5]}")
    planted = ["/usr/lib/llvm-22/include/llvm/ADT/Twine.h", str(ROOT / "include/braid/Dialect/Braid.h")]
    checks.claim("planted headers are seen", foreign_headers(planted) == sorted(planted))
    program = folder / "bin" / "braid-run"
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output(READELF, "--dynamic", program)[1])
    wrong = [name for name in needed if re.search(r"LLVM|MLIR|clang", name)]
    checks.claim("braid-run needs no library of LLVM", needed and not wrong, ", ".join(needed))
    size = os.path.getsize(program)
    checks.claim("braid-run is as small as README says", size < 1_050_000, f"{size} bytes")
    code, text = build(folder, "ON")
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output(READELF, "--dynamic", program)[1])
    wrong = [name for name in needed if not re.match(r"lib[cm]\.so|ld-linux", name)]
    checks.claim("braid-run, static, needs libc alone", code == 0 and needed and not wrong, ", ".join(needed))
    code, text = output(program, "--help")
    checks.claim("braid-run --help", code == 0 and "usage" in text.lower(), "" if code == 0 else text[:200])
    code, text = output(program, "--version")
    checks.claim("braid-run --version", code == 0 and re.match(r"braid-run \d+\.\d+", text), text.split("\n")[0])
    ship(checks, options.braid, program)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
