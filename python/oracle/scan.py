#===- scan.py - the selective state space scan ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Mamba-2 scan: its definition as a recurrence, and the chunked form.

Source of the forms: Dao and Gu 2024, "Transformers are SSMs", sections 3 and 6.
Everything here is FP32; `r` marks the places where a tensor-core kernel of a
BF16 model rounds an operand before a dot.
"""
import numpy as np

from .precision import F32, exact


def time_step(dt, bias, limit):
    """d = clamp(softplus(dt + bias), limit), FP32; softplus(v) = v for v > 20.

    dt [T, M], bias [M], limit (low, high) -> [T, M]. The limit is the config's
    `time_step_limit`; `time_step_min` and `time_step_max` only ever served to
    initialise training and must not clamp here.
    """
    v = dt + bias
    d = np.where(v > 20, v, np.log1p(np.exp(np.minimum(v, F32(20)))))
    return np.clip(d, F32(limit[0]), F32(limit[1]))


def per_head(b, heads):
    """[T, G, N] -> [T, M, N]: head m reads group m / (M/G), contiguous blocks."""
    return np.repeat(b, heads // b.shape[1], axis=1)


def scan_recurrent(x, d, a, b, c, skip, state):
    """S_t = exp(d_t A) S_{t-1} + (d_t x_t) outer B_t;  y_t = S_t C_t + skip x_t.

    x [T, M, P], d [T, M], a [M] (negative), b, c [T, G, N], skip [M],
    state [M, P, N] -> y [T, M, P], the state after the last token.
    The skip reads x unscaled by d. This is the definition, and the decode step.
    """
    heads = x.shape[1]
    b, c = per_head(b, heads), per_head(c, heads)
    y = np.empty_like(x)
    for t in range(len(x)):
        decay = np.exp(d[t] * a)[:, None, None]
        drive = (d[t][:, None] * x[t])[:, :, None] * b[t][:, None, :]
        state = decay * state + drive
        y[t] = np.einsum("mpn,mn->mp", state, c[t]) + skip[:, None] * x[t]
    return y, state


def scan_chunked(x, d, a, b, c, skip, state, chunk, r=exact):
    """The same function, `chunk` tokens at a time; shapes as scan_recurrent."""
    y = np.empty_like(x)
    for lo in range(0, len(x), chunk):
        part = slice(lo, lo + chunk)
        y[part], state = scan_chunk(x[part], d[part], a, b[part], c[part], skip, state, r)
    return y, state


def scan_chunk(x, d, a, b, c, skip, state, r=exact):
    """One chunk of q tokens, as matrices. With s_i = sum_{u <= i} d_u A:

        W[i, j] = <C_i, B_j> exp(min(s_i - s_j, 0)) d_j   for j <= i, else 0
        y_i     = sum_j W[i, j] x_j + exp(s_i) (S_in C_i) + skip x_i
        S_out   = exp(s_last) S_in + sum_j exp(min(s_last - s_j, 0)) d_j x_j outer B_j

    s_i - s_j is <= 0 for j <= i in exact arithmetic but not always in FP32,
    and is large for j > i: without the minimum, exp overflows.
    `r` rounds W, the weighted B and the copy of S_in that y reads.
    """
    q, heads, _ = x.shape
    b, c = per_head(b, heads), per_head(c, heads)
    s = np.cumsum(d * a, axis=0, dtype=F32)
    gap = s[:, None, :] - s[None, :, :]
    causal = np.tril(np.ones((q, q), F32))[:, :, None]
    w = np.einsum("imn,jmn->ijm", c, b) * np.exp(np.minimum(gap, 0)) * d[None] * causal
    inside = np.einsum("ijm,jmp->imp", r(w), x)
    before = np.einsum("mpn,imn->imp", r(state), c) * np.exp(s)[:, :, None]
    y = inside + before + skip[:, None] * x
    weighted = r((np.exp(np.minimum(s[-1] - s, 0)) * d)[:, :, None] * b)
    added = np.einsum("jmp,jmn->mpn", x, weighted)
    return y, np.exp(s[-1])[:, None, None] * state + added
