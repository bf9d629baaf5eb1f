#===- test_storage.py - number formats, files, config ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What checkpoints hold: every code of every format, files, config spellings."""
import json
import math
import tempfile
import unittest
from pathlib import Path

import numpy as np

from oracle import config, storage
from oracle.checkpoint import Stored, canonical, read_safetensors, write_safetensors
from oracle.precision import F32


class Formats(unittest.TestCase):
    def test_bf16_there_and_back(self):
        bits = np.arange(65536, dtype=np.uint16)
        values = storage.decode_bf16(bits)
        finite = np.isfinite(values)
        np.testing.assert_array_equal(storage.encode_bf16(values)[finite], bits[finite])

    def test_e4m3_landmarks(self):
        for code, value in ((0x00, 0.0), (0x01, 2.0**-9), (0x07, 7 * 2.0**-9), (0x08, 2.0**-6),
                            (0x38, 1.0), (0x7E, 448.0), (0xFE, -448.0), (0xB8, -1.0)):
            self.assertEqual(storage.E4M3[code], value, hex(code))
        self.assertEqual(np.flatnonzero(np.isnan(storage.E4M3)).tolist(), [0x7F, 0xFF])
        self.assertTrue(np.all(np.diff(storage.E4M3[:0x7F]) > 0))

    def test_e2m1_all_bytes(self):
        magnitude = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
        value = lambda nibble: magnitude[nibble & 7] * (-1 if nibble & 8 else 1)
        found = storage.decode_e2m1(np.arange(256, dtype=np.uint8).reshape(16, 16))
        expected = [v for byte in range(256) for v in (value(byte & 15), value(byte >> 4))]
        np.testing.assert_array_equal(found.ravel(), expected)

    def test_nvfp4_uses_both_scales_per_block(self):
        packed = np.full((1, 16), 0x22, np.uint8)                      # 32 elements of 1
        scales = np.array([[0x38, 0x40]], np.uint8)                    # 1, 2
        found = storage.decode_nvfp4(packed, scales, F32(0.5))
        np.testing.assert_array_equal(found, [[0.5] * 16 + [1.0] * 16])


class Files(unittest.TestCase):
    def test_what_is_written_is_read(self):
        tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([7], np.int32),
                   "b": Stored("BF16", np.array([0x3F80, 0x4000], np.uint16)), "scalar": np.float32(3)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.safetensors"
            write_safetensors(path, tensors)
            found = read_safetensors(path)
        np.testing.assert_array_equal(found["a"].raw, tensors["a"])
        np.testing.assert_array_equal(found["b"].as_float(), [1, 2])
        self.assertEqual((found["scalar"].raw.shape, found["n"].dtype), ((), "I32"))

    def test_prefixes(self):
        for name in ("model.layers.0.norm.weight", "language_model.backbone.layers.0.norm.weight"):
            self.assertEqual(canonical(name), "backbone.layers.0.norm.weight")
        self.assertEqual(canonical("lm_head.weight"), "lm_head.weight")


class Configs(unittest.TestCase):
    def parse(self, text):
        return config.parse(dict(json.loads(text), model_type="nemotron_h"))

    def test_every_spelling_of_infinity(self):
        for text in ("[0.0, Infinity]", '[0.0, "Infinity"]', '[0, {"__float__": "Infinity"}]'):
            self.assertEqual(self.parse(f'{{"time_step_limit": {text}}}').dt_limit, (0.0, math.inf))
        self.assertEqual(self.parse('{"time_step_limit": [0.0, 1e20]}').dt_limit, (0.0, 1e20))
        self.assertEqual(self.parse("{}").dt_limit, (0.0, math.inf))

    def test_both_layer_vocabularies(self):
        for kinds in ('["mamba", "moe", "attention", "mlp"]', '["linear_attention", "moe", "full_attention", "mlp"]'):
            self.assertEqual(self.parse(f'{{"layers_block_type": {kinds}}}').pattern, "ME*-")
        self.assertEqual(self.parse('{"hybrid_override_pattern": "MEM|EM*E/*E/*E"}').pattern, "MEMEM*E")

    def test_other_models_are_refused(self):
        with self.assertRaisesRegex(ValueError, "model_type.*llama"):
            config.parse({"model_type": "llama"})


if __name__ == "__main__":
    unittest.main()
