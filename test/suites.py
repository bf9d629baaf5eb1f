#!/usr/bin/python3
#===- suites.py - every test suite, one line each ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds, runs the suites, two at a time, and adds up what passed and failed.

A suite that cannot run, crashes, runs out of time or skips a test has failed.
`tools/check` calls this once the packages are there; see `tools/check --help`.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("BRAID_BUILD", ROOT / "build")).resolve()
LOGS = BUILD / "check"
LIT = "/usr/lib/llvm-22/bin/lit"
PYTHON = "/usr/bin/python3"
BRAID = BUILD / "bin" / "braid"
DISTINCT = ("dense", "latent-moe", "long", "plain-moe", "storyteller", "wide")   # fixtures of other shapes each
CODED = ("latent-moe-nvfp4", "plain-moe-fp8")
E2E = ROOT / "test" / "e2e"


def provide_ptxas():
    """Where there is no CUDA toolkit, the tests' own ptxas (tools/check)."""
    own = BUILD / "ptxas" / "nvidia" / "cu13"
    if (own / "bin" / "ptxas").exists() and not os.environ.get("CUDA_HOME") and not shutil.which("ptxas"):
        os.environ["CUDA_HOME"] = str(own)


def number(pattern, text):
    """The sum of a pattern's first group over all its matches."""
    return sum(int(n) for n in re.findall(pattern, text, re.MULTILINE))


def count_report(text):
    """Our own scripts: each ends with `N passed, N failed`."""
    ends = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.MULTILINE)
    return sum(int(passed) for passed, _ in ends), sum(int(failed) for _, failed in ends)


def count_lit(text):
    passed = number(r"^  (?:Passed|Expectedly Failed) *: +(\d+)", text)
    failed = r"^  (?:Failed|Unresolved|Timed Out|Unexpectedly Passed|Unsupported|Skipped|Excluded) *: +(\d+)"
    return passed, number(failed, text)


def count_gtest(text):
    failed = number(r"^\[  FAILED  \] (\d+) tests?,", text)
    return number(r"^\[  PASSED  \] (\d+) test", text), failed + number(r"^\[  SKIPPED \] (\d+) test", text)


def count_unittest(text):
    bad = sum(number(rf"{kind}=(\d+)", text) for kind in ("failures", "errors", "skipped", "unexpected successes"))
    return max(0, number(r"^Ran (\d+) tests?", text) - bad), bad


def count_build(text):
    return 1, 0


@dataclass
class Suite:
    name: str
    count: object         # text of the log -> passed, failed
    commands: list        # run in order until one fails
    slow: bool = False    # --all only
    timeout: int = 1200   # seconds, each command
    folder: Path = ROOT


def script(name, *arguments):
    return [PYTHON, E2E / name, "--braid", BRAID, *arguments]


def simulated(name, *arguments):
    """GPU code on the simulator; --no-questions: thousands of tokens."""
    return script(name, "--device=sim", *(["--no-questions"] if name == "run_fixtures.py" else []), *arguments)


def on_fake_gpu(name, *arguments):
    """GPU code by the runtime's own device for GPUs, on a driver that the tests play."""
    return ["env", f"BRAID_CUDA_LIBRARY={BRAID.parent / 'braid-fake-cuda.so'}", *script(name, "--device=cuda", *arguments)]


def only(names):
    return [f"--only={name}" for name in names]


def sanitized():
    """Bad input again, and two fixtures compiled and run, for a braid that was
    built with ASan and UBSan."""
    folder = BUILD / "sanitize"
    braid = folder / "bin" / "braid"
    fixtures = [[PYTHON, E2E / "run_fixtures.py", "--braid", braid, f"--only={name}", f"--precision={precision}"]
                for name, precision in (("latent-moe", "f32"), ("dense", "bf16"))]
    return [["cmake", "--preset", "sanitize", "-B", folder, "-DBRAID_BUILD_TESTS=OFF"], ["ninja", "-C", folder, "braid"],
            *fixtures, [PYTHON, E2E / "bad_input.py", "--braid", braid]]


def every_simulation(jobs):
    """The baseline's target, and what the quick suites leave out."""
    fixtures = [simulated("run_fixtures.py", f"--precision={precision}", f"--jobs={jobs}", f"--target={target}")
                for target in ("sm_80", "sm_90a") for precision in ("f32", "bf16")]
    return [*fixtures, simulated("compare_schedules.py", "--all"), simulated("compare_schedules.py", "--all", "--precision=bf16"), simulated("equalities.py"), simulated("equalities.py", "--precision=bf16")]


def suites(everything):
    seconds = 60 if everything else 10
    jobs = os.cpu_count() or 1
    gtest = [[BUILD / "bin" / name] for name in ("braid-rt-tests", "braid-import-tests", "braid-text-tests")]
    return [
        Suite("build", count_build, [["cmake", "--preset", "dev", "-B", BUILD, "-DBRAID_BUILD_TESTS=ON"], ["ninja", "-C", BUILD]], timeout=1500),
        Suite("rules", count_report, [[PYTHON, ROOT / "test" / "rules.py"]]),
        Suite("lit", count_lit, [[LIT, "--verbose", BUILD / "test"]]),
        *(Suite(f"unit-{command[0].name.split('-')[1]}", count_gtest, [command]) for command in gtest),
        Suite("oracle", count_unittest, [[PYTHON, "-m", "unittest", "discover", "-s", "oracle/tests", "-t", "."]], folder=ROOT / "python"),
        Suite("commands", count_report, [script("tools.py")], timeout=1500),   # early: the longest
        Suite("scripts", count_unittest, [[PYTHON, E2E / "test_e2e.py"], [PYTHON, ROOT / "test" / "test_suites.py"]]),
        Suite("fixtures-f32", count_report, [script("run_fixtures.py", "--precision=f32", f"--jobs={jobs}")]),
        Suite("fixtures-bf16", count_report, [script("run_fixtures.py", "--precision=bf16", f"--jobs={jobs}")]),
        Suite("schedules", count_report, [script("compare_schedules.py")]),
        Suite("warpgroups", count_report, [script("warpgroups.py")]),
        Suite("equalities", count_report, [script("equalities.py")]),
        Suite("formats", count_report, [script("formats.py")]),
        Suite("extremes", count_report, [script("extremes.py")]),
        Suite("sim-f32", count_report, [simulated("run_fixtures.py", "--precision=f32", f"--jobs={jobs}")]),
        Suite("sim-bf16", count_report, [simulated("run_fixtures.py", "--precision=bf16", f"--jobs={jobs}", *only(DISTINCT), *only(CODED)), simulated("formats.py")]),
        Suite("sim-sm_80", count_report, [simulated("run_fixtures.py", "--precision=bf16", "--target=sm_80", "--only=latent-moe")]),
        Suite("sim-schedules", count_report, [simulated("compare_schedules.py", *only(("primes", "groups", "head80"))), simulated("compare_schedules.py", "--precision=bf16", *only(("groups", "nano")))]),
        Suite("sim-equalities", count_report, [simulated("equalities.py", "--only=latent-moe"), simulated("equalities.py", "--only=latent-moe", "--precision=bf16")]),
        Suite("faults", count_report, [script("faults.py")]),
        Suite("never", count_report, [script("never.py")]),
        Suite("cuda", count_report, [script("cuda.py"), on_fake_gpu("equalities.py", "--only=dense"), on_fake_gpu("formats.py"),
                                     *(on_fake_gpu("run_fixtures.py", "--only=dense", f"--precision={precision}") for precision in ("f32", "bf16"))]),
        Suite("gpu-docs", count_report, [[PYTHON, ROOT / "tools" / "generate-gpu-docs", "--braid", BRAID, "--check"]]),
        Suite("interrupts", count_report, [script("interrupts.py")]),
        Suite("bad-input", count_report, [script("bad_input.py")]),
        Suite("fuzz", count_report, [[PYTHON, ROOT / "test" / "fuzz" / "run.py", f"--seconds={seconds}", "--build", BUILD / "fuzz"]], timeout=1200),
        Suite("runtime-alone", count_report, [[PYTHON, ROOT / "test" / "runtime_alone.py", "--braid", BRAID, "--build", BUILD / "runtime-alone"]]),
        Suite("all-schedules", count_report, [script("compare_schedules.py", "--all")], slow=True, timeout=3600),
        Suite("equalities-bf16", count_report, [script("equalities.py", "--precision=bf16")], slow=True),
        Suite("sim-all", count_report, [*every_simulation(jobs), simulated("formats.py")], slow=True, timeout=3600),
        Suite("long-texts", count_report, [script("long_decode.py")], slow=True, timeout=3600),
        Suite("sanitized", count_report, sanitized(), slow=True, timeout=3600),
    ]


def run(suite):
    """Passed, failed and the log's text."""
    log = LOGS / f"{suite.name}.log"
    complete = True
    with open(log, "w") as out:
        for command in suite.commands:
            try:
                code = subprocess.run(list(map(str, command)), cwd=suite.folder, stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=subprocess.STDOUT, timeout=suite.timeout).returncode
            except (OSError, subprocess.TimeoutExpired) as failure:
                out.write(f"{failure}\n")
                code = 1
            if code:
                complete = False
                break
    text = log.read_text(errors="replace")
    passed, failed = suite.count(text)
    if (not complete or not passed) and not failed:
        passed, failed = (0 if suite.count is count_build else passed), 1
    return passed, failed, text


def timed(suite):
    """Seconds, and what `run` says."""
    begun = time.monotonic()
    outcome = run(suite)
    return time.monotonic() - begun, *outcome


def explain(text):
    """The lines of a log that say what failed."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("PASS", "INFO"))]
    bad = re.compile(r"^FAIL\b|^FAILED|\[  FAILED  \]|error:|Error:|^ERROR|: Failure$")
    chosen = [line for line in lines if bad.search(line)][:30] or lines[-20:]
    for line in chosen:
        print("    " + line[:300])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the slow suites too")
    parser.add_argument("--only", action="append", metavar="SUITE", help="this suite only, after the build (repeatable)")
    parser.add_argument("--list", action="store_true", help="name the suites")
    options = parser.parse_args()
    every = suites(options.all)
    if options.list:
        print("\n".join(suite.name + (" (--all)" if suite.slow else "") for suite in every))
        return 0
    unknown = set(options.only or []) - {suite.name for suite in every}
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(suite.name for suite in every)}")
    if options.only:
        chosen = [suite for suite in every if suite.name in ("build", *options.only)]
    else:
        chosen = [suite for suite in every if options.all or not suite.slow]
    return check(chosen)


class Tally:
    """A line for each suite that has ended, and the sums."""

    def __init__(self, count):
        self.count, self.ended, self.passed, self.failed = count, 0, 0, 0

    def add(self, suite, seconds, passed, failed, text):
        self.ended, self.passed, self.failed = self.ended + 1, self.passed + passed, self.failed + failed
        print(f"[{self.ended:2}/{self.count}] {suite.name:16}{passed:5} passed, {failed} failed  {seconds:5.0f} s", flush=True)
        if failed:
            explain(text)
            print(f"    log: {LOGS / suite.name}.log", flush=True)


def at_once(chosen):
    """Each suite with its outcome, as they end. Two at a time: the long ones have
    one thread for most of their time."""
    pool = ThreadPoolExecutor(min(2, os.cpu_count() or 1))
    running = {pool.submit(timed, suite): suite for suite in chosen}
    try:
        for done in as_completed(running):
            yield running[done], *done.result()
    finally:   # after Ctrl-C none of those that wait begins
        pool.shutdown(cancel_futures=True)


def check(chosen):
    LOGS.mkdir(parents=True, exist_ok=True)
    provide_ptxas()
    os.environ["XDG_CACHE_HOME"] = str(BUILD / "cache")   # of the tree, not the user's
    begun, tally = time.monotonic(), Tally(len(chosen))
    if chosen[0].name == "build":
        print(f"building; progress is in {LOGS / 'build.log'}", flush=True)
        build, *chosen = chosen
        tally.add(build, *timed(build))
    if tally.failed:
        tally.failed += len(chosen)   # none of them can run
    else:
        for suite, *outcome in at_once(chosen):
            tally.add(suite, *outcome)
    print(f"all in {time.monotonic() - begun:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
