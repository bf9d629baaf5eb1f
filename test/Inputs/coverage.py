#!/usr/bin/python3
#===- coverage.py - what must have a test has one ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints what is declared in TableGen and has no test; exit code 1 if anything.

Labels such as (scan_c1) need a test in test/Dialect/*-errors.mlir that expects
their message; a pass needs test/Transforms/NAME.mlir (or test/Conversion).
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def declared(file, pattern):
    return sorted(set(re.findall(pattern, (ROOT / "include/braid" / file).read_text())))


def missing_labels():
    errors = "".join(f.read_text() for f in (ROOT / "test/Dialect").glob("*-errors.mlir"))
    expected = set(re.findall(r"\{\{(\w+_c\d+): ", errors))
    for file in ("Dialect/BraidBase.td", "Dialect/BraidOps.td"):
        for label in declared(file, r"\(([a-z]+_c\d+)\)"):
            if label not in expected:
                yield f"no test expects the constraint {label} of {file}"


def missing_passes():
    for name in declared("Transforms/Passes.td", r'Pass<"([a-z-]+)"'):
        if not any((ROOT / "test" / d / f"{name}.mlir").exists() for d in ("Transforms", "Conversion")):
            yield f"the pass {name} has no test of its name"


problems = [*missing_labels(), *missing_passes()]
print("\n".join(problems))
sys.exit(bool(problems))
