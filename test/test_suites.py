#!/usr/bin/python3
#===- test_suites.py - what suites.py counts ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A failure that is not counted would be worse than none."""
import contextlib
import io
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import suites
from suites import Suite, count_gtest, count_lit, count_report, count_unittest


class Counts(unittest.TestCase):
    def test_lit(self):
        text = "Total Discovered Tests: 51\n  Unsupported:  1 (1.96%)\n  Passed     : 47 (95.92%)\n  Failed     :  3 (4.08%)\n"
        self.assertEqual(count_lit(text), (47, 4))
        self.assertEqual(count_lit("  Passed: 9 (100.00%)\n"), (9, 0))

    def test_gtest(self):
        text = "[  FAILED  ] A.B (0 ms)\n[  PASSED  ] 7 tests.\n[  SKIPPED ] 1 test, listed below:\n[  FAILED  ] 2 tests, listed below:\n"
        self.assertEqual(count_gtest(text), (7, 3))

    def test_unittest(self):
        self.assertEqual(count_unittest("Ran 9 tests in 1s\n\nOK\nRan 1 test in 1s\n\nOK\n"), (10, 0))
        self.assertEqual(count_unittest("Ran 9 tests in 1s\n\nFAILED (failures=1, errors=2, skipped=3)\n"), (3, 6))

    def test_report(self):
        self.assertEqual(count_report("PASS x: 1\n3 passed, 1 failed\n"), (3, 1))
        self.assertEqual(count_report("3 passed, 1 failed\n2 passed, 0 failed\n"), (5, 1))
        self.assertEqual(count_report("no such line"), (0, 0))


class Runs(unittest.TestCase):
    def outcome(self, *command, timeout=20):
        with tempfile.TemporaryDirectory() as folder:
            suites.LOGS = Path(folder)
            return suites.run(Suite("planted", count_report, [list(command)], timeout=timeout))[:2]

    def test_what_is_counted(self):
        self.assertEqual(self.outcome("echo", "3 passed, 0 failed"), (3, 0))

    def test_every_way_not_to_run_fails(self):
        self.assertEqual(self.outcome("/nonexistent"), (0, 1))
        self.assertEqual(self.outcome("true"), (0, 1))
        self.assertEqual(self.outcome("sh", "-c", "echo 3 passed, 0 failed; exit 1"), (3, 1))
        self.assertEqual(self.outcome("sh", "-c", "echo 3 passed, 0 failed; kill -9 $$"), (3, 1))
        self.assertEqual(self.outcome("sleep", "9", timeout=0.1), (0, 1))

    def test_a_suite_that_is_not_there_is_told_those_that_are(self):
        with contextlib.redirect_stderr(io.StringIO()) as out, self.assertRaises(SystemExit), mock.patch("sys.argv", ["check", "--only", "nosuch"]):
            suites.main()
        self.assertRegex(out.getvalue(), "no such suite: nosuch; there are build, .*bad-input")

    def test_a_failed_build_fails_all(self):
        bad = Suite("build", suites.count_build, [["false"]])
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out:
            suites.LOGS = suites.ROOT = Path(folder)
            self.assertEqual(suites.check([bad, Suite("other", count_report, [["true"]])]), 1)
        self.assertEqual(out.getvalue().splitlines()[-1], "0 passed, 2 failed")

    def test_suites_add_up_and_each_has_a_line(self):
        planted = [Suite(name, count_report, [["sh", "-c", f"echo {line}"]]) for name, line in
                   (("one", "3 passed, 0 failed"), ("two", "2 passed, 1 failed"), ("three", "no such line"))]
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out:
            suites.LOGS = Path(folder)
            self.assertEqual(suites.check(planted), 1)
        lines = out.getvalue().splitlines()
        self.assertEqual(lines[-1], "5 passed, 2 failed")
        self.assertEqual(sorted(line.split()[1 if line[1] != " " else 2] for line in lines if line.startswith("[")), ["one", "three", "two"])

    def test_nothing_more_begins_after_an_interrupt(self):
        begun = []
        with mock.patch.object(suites, "timed", lambda suite: begun.append(suite) or time.sleep(0.05)), self.assertRaises(TypeError):
            for _ in suites.at_once(range(50)):   # the outcome of this stand-in cannot be unpacked
                pass
        self.assertLess(len(begun), 10)


if __name__ == "__main__":
    unittest.main()
