#!/usr/bin/python3
#===- run.py - builds and runs the fuzz targets ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every fuzz target for some seconds under ASan and UBSan: one PASS or FAIL
line each, then `N passed, N failed`. Inputs that crash a target stay in the
build folder and are named; what is new to a target is kept there for next time.
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLANG = "/usr/lib/llvm-22/bin/clang"
# Seeds beside corpus/NAME: real files that the tree has anyway, and what the
# build makes.
SEEDS = {"artifact": ["{build}/seeds/artifact"], "config": ["{root}/test/configs"], "safetensors": [], "tokenizer": []}
LONGEST = {"artifact": 1 << 16, "config": 1 << 14, "safetensors": 1 << 12, "tokenizer": 1 << 12}


def build(folder, jobs):
    configure = ["cmake", "-G", "Ninja", "-S", HERE, "-B", folder, f"-DCMAKE_C_COMPILER={CLANG}", f"-DCMAKE_CXX_COMPILER={CLANG}++"]
    for command in (configure, ["ninja", "-C", folder, "-j", str(jobs)]):
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(done.stdout[-4000:])
            return False
    return True


def fuzz(name, folder, seconds, seed):
    """What happened, and whether the target survived."""
    found = folder / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    crashes = folder / "crashes"
    crashes.mkdir(exist_ok=True)
    seeds = [HERE / "corpus" / name, *(text.format(build=folder, root=ROOT) for text in SEEDS[name])]
    command = [folder / f"{name}_fuzzer", found, *seeds, f"-max_total_time={seconds}", f"-max_len={LONGEST[name]}", f"-seed={seed}",
               "-timeout=20", "-rss_limit_mb=3000", "-malloc_limit_mb=2000", "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={crashes}/{name}-"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    executed = re.search(r"stat::number_of_executed_units: (\d+)", done.stdout)
    coverage = re.findall(r"cov: (\d+)", done.stdout)
    if done.returncode == 0 and executed and int(executed[1]) > 0:
        return True, f"{executed[1]} inputs in {seconds} s, {coverage[-1] if coverage else 0} edges"
    what = re.search(r"(runtime error: .*|ERROR: .*)", done.stdout)
    where = re.search(r"Test unit written to (\S+)", done.stdout)
    return False, f"{what[1] if what else f'exit code {done.returncode}'}{f', input {where[1]}' if where else ''}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="for each target (default: 10)")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "fuzz", help="build folder (default: build/fuzz)")
    parser.add_argument("--only", choices=sorted(SEEDS), help="this target only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folder = options.build.resolve()
    if not build(folder, options.jobs):
        print("FAIL build: the fuzz targets do not build\n0 passed, 1 failed")
        return 1
    passed = failed = 0
    for name in [options.only] if options.only else sorted(SEEDS):
        good, detail = fuzz(name, folder, options.seconds, options.seed)
        passed, failed = passed + good, failed + (not good)
        print(f"{'PASS' if good else 'FAIL'} {name}_fuzzer: {detail}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
