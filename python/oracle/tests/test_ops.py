#===- test_ops.py - the oracle's ops against their definitions ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each op against a second, independent statement of what it is."""
import math
import unittest

import numpy as np

from oracle.attention import attention
from oracle.conv import causal_conv
from oracle.experts import mlp, routed
from oracle.norm import gated_rms_norm, rms_norm, silu
from oracle.precision import F32, bf16
from oracle.routing import keep_groups, route, top_k
from oracle.sampling import draw_key, gumbel, scores
from oracle.scan import scan_chunk, scan_chunked, scan_recurrent, time_step
from oracle.compare import relative_error


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(F32)


class Norm(unittest.TestCase):
    def test_rms_norm_of_a_constant_row_is_the_weight(self):
        out = rms_norm(np.full((1, 8), 3, F32), np.arange(8, dtype=F32), 0.0)
        np.testing.assert_allclose(out[0], np.arange(8), rtol=1e-6)

    def test_each_group_is_normed_alone(self):
        y, z, w = normal(1, 3, 8), normal(2, 3, 8), normal(3, 8)
        whole = gated_rms_norm(y, z, w, 2, 1e-5)
        for part in (slice(0, 4), slice(4, 8)):
            alone = gated_rms_norm(y[:, part], z[:, part], w[part], 1, 1e-5)
            np.testing.assert_allclose(whole[:, part], alone, rtol=1e-6)
        self.assertGreater(relative_error(whole, gated_rms_norm(y, z, w, 1, 1e-5)), 0.01)

    def test_silu_survives_the_ends(self):
        np.testing.assert_array_equal(silu(np.array([-1e30, 0, 1e30], F32)), np.array([0, 0, 1e30], F32))


class Sampling(unittest.TestCase):
    def test_frequencies_are_the_softmax(self):
        logits, temperature, draws = np.array([0, 1, 2, -1], F32), 0.7, 20000
        p = np.exp(logits / temperature)
        chosen = [np.argmax(scores(logits, temperature, draw_key(5, t))) for t in range(draws)]
        np.testing.assert_allclose(np.bincount(chosen, minlength=4) / draws, p / p.sum(), atol=0.015)

    def test_noise_is_gumbel_over_ids(self):
        g = gumbel(draw_key(1, 2), 1 << 17)
        self.assertAlmostEqual(float(np.mean(g)), 0.5772, delta=0.02)
        self.assertAlmostEqual(float(np.var(g)), math.pi**2 / 6, delta=0.05)

    def test_temperature_zero_takes_the_first_of_the_largest(self):
        self.assertEqual(np.argmax(scores(np.array([1, 3, 3], F32), 0, 9)), 1)


class Conv(unittest.TestCase):
    def test_split_anywhere_gives_the_same(self):
        x, w, b = normal(1, 9, 5), normal(2, 5, 4), normal(3, 5)
        whole, window = causal_conv(x, w, b, np.zeros((3, 5), F32))
        np.testing.assert_array_equal(window, x[-3:])
        for cut in range(1, 9):
            first, kept = causal_conv(x[:cut], w, b, np.zeros((3, 5), F32))
            second, end = causal_conv(x[cut:], w, b, kept)
            np.testing.assert_array_equal(np.concatenate([first, second]), whole)
            np.testing.assert_array_equal(end, window)

    def test_last_tap_meets_the_current_token(self):
        w = np.zeros((1, 4), F32)
        w[0, 3] = 1
        x = normal(1, 6, 1)
        np.testing.assert_array_equal(causal_conv(x, w, None, np.zeros((3, 1), F32))[0], silu(x))


class Scan(unittest.TestCase):
    def operands(self, tokens, seed=0, scale=1.0):
        heads, width, groups, state = 4, 3, 2, 5
        d = np.abs(normal(seed, tokens, heads)) * F32(scale)
        return (normal(seed + 1, tokens, heads, width), d, -np.exp(normal(seed + 2, heads)),
                normal(seed + 3, tokens, groups, state), normal(seed + 4, tokens, groups, state),
                normal(seed + 5, heads), normal(seed + 6, heads, width, state))

    def test_chunked_is_the_recurrence(self):
        for tokens in (1, 2, 7, 8, 9, 33):
            operands = self.operands(tokens)
            y, state = scan_recurrent(*operands)
            for chunk in (1, 4, 8, 64):
                found, end = scan_chunked(*operands, chunk)
                self.assertLess(relative_error(found, y), 2e-6, (tokens, chunk))
                self.assertLess(relative_error(end, state), 2e-6, (tokens, chunk))

    def test_split_anywhere_gives_the_same(self):
        *operands, state = self.operands(20)
        y, end = scan_recurrent(*operands, state)
        for cut in range(1, 20):
            x, d, a, b, c, skip = operands
            first, kept = scan_chunked(x[:cut], d[:cut], a, b[:cut], c[:cut], skip, state, 8)
            second, last = scan_chunked(x[cut:], d[cut:], a, b[cut:], c[cut:], skip, kept, 8)
            self.assertLess(relative_error(np.concatenate([first, second]), y), 2e-6, cut)
            self.assertLess(relative_error(last, end), 2e-6, cut)

    def test_fast_decay_does_not_overflow(self):
        with np.errstate(all="raise", under="ignore"):
            y, state = scan_chunk(*self.operands(64, scale=500.0))
        self.assertTrue(np.all(np.isfinite(y)) and np.all(np.isfinite(state)))

    def test_time_step_is_softplus_and_not_clamped(self):
        dt = np.array([[-30, -9, 0, 5, 19.9, 20.1, 200]], F32)
        d = time_step(dt, np.zeros(7, F32), (0.0, math.inf))
        expected = [math.log1p(math.exp(v)) if v < 100 else v for v in dt[0].tolist()]
        np.testing.assert_allclose(d[0], expected, rtol=1e-6)
        self.assertLess(d[0, 1], 0.001)


class Attention(unittest.TestCase):
    def test_one_query_at_a_time(self):
        q, k, v = normal(1, 6, 4, 8), normal(2, 9, 2, 8), normal(3, 9, 2, 8)
        found = attention(q, k, v)
        for t in range(6):
            for i in range(4):
                seen = slice(0, 3 + t + 1)
                s = k[seen, i // 2].astype(np.float64) @ q[t, i] / math.sqrt(8)
                p = np.exp(s) / np.exp(s).sum()
                np.testing.assert_allclose(found[t, i], p @ v[seen, i // 2], rtol=2e-5, atol=1e-6)


class Routing(unittest.TestCase):
    def test_bias_chooses_but_does_not_weigh(self):
        u, gate = np.ones((1, 1), F32), np.array([[2.0], [1.0], [0.0]], F32)
        chosen, w = route(u, gate, np.array([0, 64, 64], F32), 2, normalise=False)
        self.assertEqual(chosen.tolist(), [[1, 2]])
        np.testing.assert_allclose(w[0], [1 / (1 + math.exp(-1)), 0.5], rtol=1e-6)

    def test_weights_sum_to_the_scale(self):
        _, w = route(normal(1, 5, 8), normal(2, 16, 8), np.zeros(16, F32), 4, scale=2.5)
        np.testing.assert_allclose(w.sum(-1), 2.5, rtol=1e-6)

    def test_a_tie_goes_to_the_lower_index(self):
        self.assertEqual(top_k(np.array([[1, 3, 3, 3]], F32), 2).tolist(), [[1, 2]])

    def test_a_large_bias_with_a_small_spread_needs_fp32(self):
        bias = F32(64) + np.array([0.0, 0.1, -0.1, 0.05], F32)
        c = np.full((1, 4), 0.5, F32)
        self.assertEqual(top_k(c + bias, 2).tolist(), [[1, 3]])
        self.assertNotEqual(top_k(c + bf16(bias), 2).tolist(), [[1, 3]])

    def test_groups_are_judged_by_their_two_best(self):
        c = np.array([[9, 0, 0, 5, 5, 0]], F32)
        kept = keep_groups(c, 2, 1)
        self.assertEqual(np.isfinite(kept).tolist(), [[False] * 3 + [True] * 3])


class Experts(unittest.TestCase):
    def test_routed_is_the_weighted_sum_per_token(self):
        x, up, down = normal(1, 5, 4), normal(2, 6, 7, 4), normal(3, 6, 4, 7)
        chosen = np.array([[0, 5], [5, 1], [2, 3], [0, 1], [4, 5]])
        w = np.abs(normal(4, 5, 2))
        found = routed(x, chosen, w, up, down)
        for t in range(5):
            parts = [w[t, j] * mlp(x[t : t + 1], up[e], down[e])[0] for j, e in enumerate(chosen[t])]
            np.testing.assert_allclose(found[t], sum(parts), rtol=1e-5, atol=1e-5)


class Rounding(unittest.TestCase):
    def test_ties_go_to_even_and_nan_stays(self):
        one = 0x3F800000
        bits = np.array([one + 0x8000, one + 0x18000, one + 0x8001, one + 0x7FFF, 0x7F7FFFFF], np.uint32)
        expected = np.array([one, one + 0x20000, one + 0x10000, one, 0x7F800000], np.uint32)
        np.testing.assert_array_equal(bf16(bits.view(F32)).view(np.uint32), expected)
        self.assertTrue(np.isnan(bf16(np.array([np.nan], F32)))[0])


if __name__ == "__main__":
    unittest.main()
