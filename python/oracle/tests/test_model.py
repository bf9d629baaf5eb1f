#===- test_model.py - the oracle against the fixtures' references ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The whole oracle against an independent implementation's results, and the
properties that every model must have at every split point."""
import json
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np

from oracle.__main__ import errors, mean_kl
from oracle.checkpoint import read_arrays
from oracle.compare import kl, relative_error
from oracle.model import Model
from oracle.precision import BF16, bf16

FIXTURES = Path(__file__).resolve().parents[3] / "test" / "fixtures"
NAMES = sorted(path.parent.name for path in FIXTURES.glob("*/reference.safetensors"))


def reference(name):
    return read_arrays(FIXTURES / name / "reference.safetensors")


class References(unittest.TestCase):
    def test_f32(self):
        self.assertGreaterEqual(len(NAMES), 9)
        for name in NAMES:
            for what, error in errors(Model(FIXTURES / name), reference(name), recurrent=False):
                self.assertLessEqual(error, 1e-5, f"{name} {what}")

    def test_recurrent_prefill(self):
        for name in ("latent-moe", "dense"):
            for what, error in errors(Model(FIXTURES / name), reference(name), recurrent=True):
                self.assertLessEqual(error, 1e-5, f"{name} {what}")

    def test_bf16(self):
        for name in NAMES:
            expected = FIXTURES / name / "expected.json"
            if expected.exists():
                honest = json.loads(expected.read_text())["bf16.kl"]
                found, _ = mean_kl(Model(FIXTURES / name, BF16), reference(name))
                self.assertLess(abs(found - honest), 0.1 * honest, name)


class Equalities(unittest.TestCase):
    def setUp(self):
        self.model = Model(FIXTURES / "latent-moe")
        self.ids = reference("latent-moe")["T129.ids"]
        self.whole = self.model(self.ids)

    def test_split_prefill(self):
        for cut in (1, 2, 3, 15, 16, 17, 64, 128):
            state = self.model.fresh()
            parts = [self.model(self.ids[:cut], state), self.model(self.ids[cut:], state)]
            self.assertLess(relative_error(np.concatenate(parts), self.whole), 1e-5, cut)

    def test_prefill_then_decode(self):
        state = self.model.fresh()
        parts = [self.model(self.ids[:100], state)]
        parts += [self.model(self.ids[t : t + 1], state, recurrent=True) for t in range(100, 129)]
        self.assertLess(relative_error(np.concatenate(parts), self.whole), 1e-5)


class PlantedErrors(unittest.TestCase):
    """Classic mistakes must be far outside the bars."""

    def mistake(self, change):
        model = Model(FIXTURES / "latent-moe")
        change(model)
        results = reference("latent-moe")
        return mean_kl(model, results)[0], max(e for what, e in errors(model, results, False) if what != "decode.tokens")

    def test_router_bias_in_bf16(self):
        def change(model):
            for mixer in model.mixers:
                if hasattr(mixer, "gate"):
                    mixer.bias = bf16(mixer.bias)
        distance, error = self.mistake(change)
        self.assertGreater(distance, 0.5)
        self.assertGreater(error, 1e-2)

    def test_clamped_time_step(self):
        def change(model):
            for mixer in model.mixers:
                if hasattr(mixer, "a"):
                    mixer.c = replace(mixer.c, dt_limit=(0.001, float("inf")))
        distance, error = self.mistake(change)
        self.assertGreater(distance, 0.005)
        self.assertGreater(error, 1e-3)

    def test_nan_is_never_close(self):
        bad = np.full((2, 3), np.nan)
        self.assertEqual(relative_error(bad, np.ones((2, 3))), float("inf"))
        self.assertEqual(relative_error(np.ones(3), np.ones(4)), float("inf"))
        self.assertTrue(np.all(np.isinf(kl(np.ones((2, 3)), bad))))


if __name__ == "__main__":
    unittest.main()
