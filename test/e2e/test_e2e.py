#===- test_e2e.py - the end-to-end tests see planted mistakes ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the tests: with the oracle in braid's place every check passes, and
each planted mistake makes the right check fail."""
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import bad_checkpoints
import bad_input
from choice import CLEAR, narrowest_choice
from harness import FIXTURES, Report
from oracle.checkpoint import read_arrays
from oracle.model import Model
from run_fixtures import is_right

HERE = Path(__file__).resolve().parent


def failures(script, *options, plant=None):
    """The FAIL lines of a script, run against the stand-in."""
    environment = dict(os.environ, PLANT=plant or "")
    command = [sys.executable, HERE / script, "--braid", HERE / "standin.py", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    lines = done.stdout.splitlines()
    found = [line for line in lines if line.startswith("FAIL")]
    assert lines and lines[-1].endswith(f"{len(found)} failed"), done.stderr
    assert done.returncode == (1 if found else 0), lines
    return found


class Fixtures(unittest.TestCase):
    def failures(self, plant=None, *options):
        return failures("run_fixtures.py", "--only", "latent-moe", "--no-questions", *options, plant=plant)

    def test_an_honest_implementation_passes(self):
        self.assertEqual(self.failures(), [])

    def test_mistakes_fail(self):
        for plant, where in (("logit", "T129:"), ("bias", "decode.logits"), ("clamp", "T17.hidden"), ("token", "decode.tokens"),
                             ("nan", "T1:"), ("fail", "planted")):
            self.assertTrue(any(where in line for line in self.failures(plant)), plant)

    def test_bf16(self):
        own, = self.failures(None, "--only", "storyteller", "--precision", "bf16")
        self.assertIn("storyteller bf16 KL, own bar", own)   # the oracle rounds its logits
        for plant, count in (("nan", 3), ("bias", 2)):
            self.assertEqual(len(self.failures(plant, "--only", "storyteller", "--precision", "bf16")), count, plant)

    def test_an_answer_is_the_beginning_of_the_text(self):
        self.assertTrue(is_right(" Alma. And", "Alma"))
        self.assertFalse(is_right(" Not Alma.", "Alma"))


class Choices(unittest.TestCase):
    def test_close_calls_are_seen(self):
        model = Model(FIXTURES / "latent-moe-mixed")
        self.assertLess(narrowest_choice(model, [234, 34, 47, 308, 201, 57, 279, 196, 265]), CLEAR)
        for ids in ([234], read_arrays(FIXTURES / "latent-moe-mixed" / "reference.safetensors")["T17.ids"]):
            self.assertGreaterEqual(narrowest_choice(model, ids), CLEAR)

    def test_without_experts_all_is_clear(self):
        self.assertEqual(narrowest_choice(Model(FIXTURES / "long"), [1, 2]), float("inf"))


class Equalities(unittest.TestCase):
    def failures(self, plant=None):
        return failures("equalities.py", "--only", "latent-moe", "--tokens", "60", plant=plant)

    def test_an_honest_implementation_passes(self):
        self.assertEqual(self.failures(), [])

    def test_mistakes_fail(self):
        for plant, *places in (("window", "split at", "never stopped"), ("threads", "2 threads"), ("batch", "ragged"), ("token", "decode 40"), ("seed", "temperature 0.8")):
            found = "\n".join(self.failures(plant))
            for where in places:
                self.assertIn(where, found, plant)


class Judge(unittest.TestCase):
    GOOD = "braid: error: config.json: model_type: expected nemotron_h, found llama\nhint: see the list\n"

    def complaints(self, code=1, stdout="", stderr=GOOD, mention="llama"):
        return bad_input.judge(code, stdout, stderr, mention)

    def test_one_clear_line_passes(self):
        self.assertEqual(self.complaints(), [])
        self.assertEqual(self.complaints(stderr="[1/6] import\n" + self.GOOD), [])

    def test_everything_else_fails(self):
        for answer in (dict(code=0), dict(code=-11), dict(code=None), dict(stderr=""), dict(stderr=self.GOOD * 2), dict(mention="gelu"),
                       dict(stderr=self.GOOD + "Stack dump:\n"), dict(stderr=self.GOOD + "%0 = braid.scan(%1)\n"), dict(stdout="module {\n"),
                       dict(stderr="error: llama is unsupported.\n"), dict(stderr="error: llama " + "x" * 1000 + "\n")):
            self.assertTrue(self.complaints(**answer), answer)

    def test_files_left_behind_fail(self):
        report = Report(quiet=True)
        with tempfile.TemporaryDirectory() as scratch:
            script = Path(scratch) / "braid"
            for extra, passes in (("", True), ('touch "$4.tmp";', False), ("kill -SEGV $$;", False)):
                script.write_text(f"#!/bin/sh\n{extra} echo 'error: config.json: no' >&2; exit 1\n")
                script.chmod(script.stat().st_mode | stat.S_IXUSR)
                bench = bad_input.Bench(SimpleNamespace(braid=script, seed=1, only=None), scratch, report)
                before = report.passed
                bench.attempt("planted", "config", ["compile", "x", "-o", bench.out / "model.braid"])
                self.assertEqual(report.passed > before, passes, extra)

    def test_every_case_changes_the_checkpoint(self):
        contents = lambda folder: {path.name: None if path.is_fifo() or path.is_dir() or not path.exists() or path.is_symlink() else path.read_bytes() for path in folder.iterdir()}
        with tempfile.TemporaryDirectory() as scratch:
            bench = bad_input.Bench(SimpleNamespace(braid="/bin/false", seed=1, only=None), scratch, Report(quiet=True))
            good = contents(bench.checkpoint())
            for name, _, break_it in bad_checkpoints.CASES:
                folder = bench.checkpoint()
                break_it(folder)
                self.assertNotEqual(contents(folder), good, name)
        names = [name for name, _, _ in bad_checkpoints.CASES]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
